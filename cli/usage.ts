/** A mistyped command line. `beckon` prints the usage and exits with code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The command line to type for a command: `npm run` for the repository's scripts `start` and `token`, else `npx beckon`. */
export function typedCommand(line: string): string {
  const [command = '', ...args] = line.split(' ');
  const isScript = ['start', 'token'].includes(process.env['npm_lifecycle_event'] ?? '');
  return [isScript ? `npm run -s ${command} --` : `npx beckon ${command}`, ...args].join(' ');
}

export const USAGE = `usage: beckon <command> [options]

  start   run Beckon on this machine, with the demo page
  local   run another application on this machine: a CDK project, a folder that "cdk synth" wrote, or a JSON template
  token   print a token of the local issuer: beckon token USER

  disconnect USER  close the user's connections, and tell the client why
  revoke USER      revoke the user's present tokens, and close the user's connections
  forget USER      close the user's connections, and delete the user's data

  block USER SENDER    keep SENDER's messages out of USER's inbox
  unblock USER SENDER  accept SENDER's messages again
  blocked USER         print the users that USER has blocked, one per line

options of start and local (repeat --allow-host, --allow-origin, --parameter, --quota and --endpoint for more than one value)
  --port PORT            the port of all services; 0 takes any free port (default: 4600)
  --allow-host NAME      another host name to answer, such as a tunnel's (default: only the names of this machine)
  --allow-origin URL     another origin whose pages may connect, such as http://localhost:5173 (start only)
  --data DIR             the folder that keeps data between runs (default: .beckon)
  --memory               keep data in memory, and lose it at the end
  --app PATH             the application: a folder that "cdk synth" wrote, or a JSON template
                         (default: Beckon itself for start, the CDK project of the current folder for local)
  --parameter KEY=VALUE  a parameter of the template; the value may contain {endpointUrl}, {websocketUrl} and {port}
  --faults FILE          inject the faults that this JSON file lists
  --time-scale N         run the cloud's clock N times as fast (default: 1)
  --cpu-share            give functions a part of a processor in proportion to their memory, as AWS does
  --quota NAME=NUMBER    a quota of the account, such as concurrentExecutions=10 (default: those of AWS)
  --dynamodb URL         keep tables in another engine, such as AWS's DynamoDB Local
  --partial              leave out unsupported resources, print their names, and run the rest
  --endpoint SERVICE=URL the address of a service that the local cloud lacks, such as s3=http://127.0.0.1:9000
  --issuer URL           issue tokens and keys in the name of this issuer (local only)
  --origin ORIGIN        treat pages of this machine as pages of this origin (local only)
  --no-open              do not open the demo page in a browser (start only)

options of disconnect, revoke, forget, block, unblock and blocked
  --stack NAME           the stack on AWS, found with your AWS credentials; with --url, the stack in the local cloud
  --function NAME        the function, as in the stack's output ManageFunctionName; needed if the stack has several
  --url URL              the address of the local cloud (default: http://127.0.0.1:4600)
  --connection ID        close only this connection (disconnect only)
  --reason TEXT          the reason that the client gets (disconnect only)
  --reconnect            allow the client to reconnect (disconnect only)

options of token
  --url URL              the address of the local cloud (default: http://127.0.0.1:4600)
  --claim NAME=VALUE     another claim; a JSON value becomes that value, other text a string; repeat for more claims
`;
