import { afterAll, beforeAll, expect, test } from 'vitest';
import { type LambdaBench, startLambdaBench } from '../support/lambda.ts';

let bench: LambdaBench;

beforeAll(async () => {
  bench = await startLambdaBench();
});

afterAll(async () => {
  await bench.close();
});

test('a CommonJS handler answers what its promise gives', async () => {
  const name = await bench.deploy('exports.handler = async (event) => ({ hello: event.name });');
  expect(await bench.invoke(name, { name: 'bob' })).toMatchObject({
    payload: { hello: 'bob' },
    functionError: undefined,
  });
});
