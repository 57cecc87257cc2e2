export type { Direction, Hold, HoldOptions } from './holds.ts';
export type { InstallationOptions, TokenOptions } from './options.ts';
export type { Refusable, RefusalOptions } from './refusals.ts';
export { createTestServer, type TestClientOptions, type TestServer, type TestServerOptions } from './test-server.ts';
