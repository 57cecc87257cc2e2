import { composeDirectory, composeEdge, composeGate, composeSurcharge, composeTasks } from '../server/aws/index.ts';
import { messageRoute } from '../server/edge/route.ts';
import { createLeave } from '../server/rooms/leave.ts';

const now = Date.now;
const edge = composeEdge(now);
const { log } = edge;
const directory = composeDirectory({ now, surcharge: composeSurcharge(now, log) });
const leave = createLeave({ admit: composeGate({ directory, now }).admit, directory, tasks: composeTasks() });

/** `leave`: removes the connection from a room. */
export const handler = messageRoute('leave', edge, leave);
