import { App } from 'aws-cdk-lib';
import { BeckonStack } from './beckon-stack.ts';

const app = new App();
new BeckonStack(app, 'Beckon', {
  description: 'Beckon: messages to connected users over WebSocket',
  mode: app.node.tryGetContext('mode'),
  demo: String(app.node.tryGetContext('demo')) === 'true',
  search: String(app.node.tryGetContext('search')) === 'true',
});
