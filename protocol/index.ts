export * from './codes.ts';
export * from './frames.ts';
export * from './json.ts';
export * from './limits.ts';
export * from './parse.ts';
export * from './problem.ts';
export * from './replies.ts';
export * from './subprotocols.ts';
