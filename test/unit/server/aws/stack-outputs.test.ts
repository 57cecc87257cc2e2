import { expect, test } from 'vitest';
import { parseOutputs } from '../../../../server/aws/stack-outputs.ts';

test('the outputs of a stack are read from what CloudFormation answers', () => {
  const xml = `<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><DescribeStacksResult>
    <Stacks><member><StackName>Shop</StackName><Outputs>
      <member><OutputKey>BeckonManageFunctionName1A2B3C4D</OutputKey><OutputValue>Shop-manage</OutputValue></member>
      <member><Description>a &lt;b&gt;</Description><OutputKey>Text</OutputKey><OutputValue>&#34;a&quot; &amp;amp; b</OutputValue></member>
    </Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`;
  expect(parseOutputs(xml)).toEqual({ BeckonManageFunctionName1A2B3C4D: 'Shop-manage', Text: '"a" &amp; b' });
  expect(parseOutputs('<Stacks><member><StackName>Empty</StackName></member></Stacks>')).toEqual({});
});
