import { createClock } from '../../local/clock.ts';
import { NO_FAULTS } from '../../local/faults.ts';
import { createSqs } from '../../local/sqs/index.ts';
import { provision, resource } from './aws-server.ts';

/**
 * Sends to a queue on disk until it is killed, and prints the number of each acknowledged message. Its argument is the data
 * directory.
 */
const sqs = await createSqs({
  clock: createClock(),
  faults: NO_FAULTS,
  authorize: () => undefined,
  log: () => undefined,
  dataDirectory: process.argv[2] ?? '',
});
const { attributes } = await provision(sqs, resource('AWS::SQS::Queue', { QueueName: 'durable' }));
const queue = sqs.queues.find(String(attributes['Arn']));
if (!queue) throw new Error('SQS created no queue');
for (let number = 0; ; number++) {
  await queue.send([{ body: String(number), senderId: 'writer' }]);
  process.stdout.write(`${number}\n`);
}
