// The function `hello`, with the CDK. In the crate's folder, with cdk.json and package.json:
//
//   npm install && pilotlight build --arch arm64 && npx cdk deploy
//
// For x86_64, write X86_64 below and x86_64 above.
import { App, CfnOutput, Duration, Stack } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';

const stack = new Stack(new App(), 'hello');

const fn = new lambda.Function(stack, 'Function', {
  functionName: 'hello',
  runtime: lambda.Runtime.PROVIDED_AL2023,
  architecture: lambda.Architecture.ARM_64,
  handler: 'hello',
  code: lambda.Code.fromAsset('target/lambda/hello', { exclude: ['*', '!bootstrap'] }),
  memorySize: 128,
  timeout: Duration.seconds(10),
});
// For HTTP handlers: a public URL. The CDK adds both permissions that it needs.
const url = fn.addFunctionUrl({ authType: lambda.FunctionUrlAuthType.NONE });
new CfnOutput(stack, 'Url', { value: url.url });
// End of the URL.
