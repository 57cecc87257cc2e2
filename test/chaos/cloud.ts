/**
 * Runs the local cloud in a process of its own, so the run can kill it whole. The argument is its options as JSON. Prints a line
 * when it is ready, and one for each injected fault.
 */
import { appendFileSync } from 'node:fs';
import { type LocalCloudOptions, startLocalCloud } from '../../local/index.ts';

/** A line of standard output. */
export type CloudLine =
  | { readonly type: 'ready'; readonly websocketUrl: string; readonly endpointUrl: string }
  | { readonly type: 'fault'; readonly point: string; readonly kind: string; readonly connectionId?: string };

const options: LocalCloudOptions = JSON.parse(process.argv[2] ?? '');

const { websocketUrl, endpointUrl } = await startLocalCloud({
  ...options,
  log({ source, level, message, detail }) {
    if (source === 'faults') tell(faultLine(message, detail?.['connectionId']));
    else if (process.env['CHAOS_DEBUG'])
      appendFileSync(
        process.env['CHAOS_DEBUG'],
        `${Date.now()} ${level} ${source}: ${message} ${JSON.stringify(detail ?? {}).slice(0, 1000)}\n`,
      );
    else if (level === 'error') process.stderr.write(`${source}: ${message}\n`);
  },
});
tell({ type: 'ready', websocketUrl, endpointUrl });
process.once('disconnect', () => process.exit());

function faultLine(message: string, connectionId: unknown): CloudLine {
  const [point = '', kind = ''] = message.split(': ');
  return { type: 'fault', point, kind, ...(typeof connectionId === 'string' && { connectionId }) };
}

function tell(line: CloudLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
