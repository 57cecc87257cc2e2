/** A command line that cannot be carried out as it was typed. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** How a command with its arguments is typed here: in the repository npm has scripts for two of them. */
export function typedCommand(line: string): string {
  const [command = '', ...args] = line.split(' ');
  const isScript = ['start', 'token'].includes(process.env['npm_lifecycle_event'] ?? '');
  return [isScript ? `npm run -s ${command} --` : `npx beckon ${command}`, ...args].join(' ');
}

export const USAGE = `usage: beckon <command> [options]

  start   run Beckon on this machine, with the demo page
  local   run another application on this machine: a folder that "cdk synth" wrote, or a CloudFormation template in JSON
  token   print a token of the local issuer: beckon token USER

  disconnect USER  close the user's connections, with a word to the client
  revoke USER      refuse the tokens that the user has been issued until now, and close their connections
  forget USER      close the user's connections, and delete what is kept of them

  block USER SENDER    keep messages of SENDER out of USER's inbox
  unblock USER SENDER  let them in again
  blocked USER         print whom the user has blocked, one a line

options of start and local
  --port PORT            the port that everything is served on; 0 takes any free one (default: 4600)
  --allow-host NAME      another name to answer to, such as a tunnel's, as often as needed (default: those of this machine)
  --data DIR             where data is kept between two runs (default: .beckon)
  --memory               keep data in memory, and lose it at the end
  --app PATH             the application (default: the one of the cdk.json here, or of Beckon itself, synthesized)
  --parameter KEY=VALUE  a parameter of the template, as often as needed; {endpointUrl}, {websocketUrl} and {port} are filled in
  --faults FILE          let things go wrong, as the JSON file says
  --time-scale N         let the cloud's clock run N times as fast
  --dynamodb URL         keep the tables in another engine, such as AWS's DynamoDB Local
  --partial              leave out, by name, what the local cloud does not support, and run the rest
  --endpoint SERVICE=URL where functions find a service that is not here, such as s3=http://127.0.0.1:9000, as often as needed
  --issuer URL           stand in for this issuer: tokens and keys are as if from there (local only)
  --origin ORIGIN        let pages of this machine connect as if they were of this origin (local only)
  --no-open              do not open the demo page in a browser (start only)

options of disconnect, revoke, forget, block, unblock and blocked
  --stack NAME           the deployed stack, found with your AWS credentials; with --url, the local cloud's of that name
  --function NAME        the value of the stack's output ManageFunctionName: for a stack with more than one
  --url URL              where the local cloud is (default: http://127.0.0.1:4600)
  --connection ID        only this one (disconnect only)
  --reason TEXT          what the client is told (disconnect only)
  --reconnect            the client may come back (disconnect only)

options of token
  --url URL              where the local cloud is (default: http://127.0.0.1:4600)
  --claim NAME=VALUE     another claim, as often as needed; a value that is JSON is taken as JSON
`;
