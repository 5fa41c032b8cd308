// The example `config` with AWS AppConfig, for the CDK: the same resources as ../template.yaml.
//
//   ./build.sh && cd examples/deploy/config/cdk && npm install && npx cdk deploy
//
// It is for arm64, and with -c arch=x86_64 for that.

import { fileURLToPath } from 'node:url';

import * as cdk from 'aws-cdk-lib';
import * as appconfig from 'aws-cdk-lib/aws-appconfig';
import * as lambda from 'aws-cdk-lib/aws-lambda';

const dist = fileURLToPath(new URL('../../../../dist', import.meta.url));

const app = new cdk.App();
const arch = app.node.tryGetContext('arch') ?? 'arm64';
// The architecture, by Lambda's name, and the folder of its handlers.
const [architecture, handlers] = {
  arm64: [lambda.Architecture.ARM_64, 'arm64/examples'],
  x86_64: [lambda.Architecture.X86_64, 'examples'],
}[arch];
const stack = new cdk.Stack(app, 'PilotlightConfig');

const application = new appconfig.Application(stack, 'Application');
const production = application.addEnvironment('Production');
const flags = new appconfig.HostedConfiguration(stack, 'Flags', {
  application,
  type: appconfig.ConfigurationType.FEATURE_FLAGS,
  content: appconfig.ConfigurationContent.fromInlineJson(
    JSON.stringify({
      version: '1',
      flags: { formal: { name: 'formal' } },
      values: { formal: { enabled: false } },
    }),
  ),
  deploymentStrategy: new appconfig.DeploymentStrategy(stack, 'AtOnce', {
    rolloutStrategy: appconfig.RolloutStrategy.ALL_AT_ONCE,
  }),
  deployTo: [production],
});

const layer = new lambda.LayerVersion(stack, 'Layer', {
  code: lambda.Code.fromAsset(`${dist}/pilotlight-layer-${arch}.zip`),
  compatibleRuntimes: [lambda.Runtime.PROVIDED_AL2023],
  compatibleArchitectures: [architecture],
});

const ids = [application.applicationId, production.environmentId, flags.configurationProfileId];
const greeter = new lambda.Function(stack, 'Greeter', {
  runtime: lambda.Runtime.PROVIDED_AL2023,
  architecture,
  handler: 'config',
  code: lambda.Code.fromAsset(`${dist}/${handlers}`, { exclude: ['*', '!libconfig.so'] }),
  memorySize: 128,
  timeout: cdk.Duration.seconds(3),
  layers: [layer],
  environment: { PILOTLIGHT_CONFIG: `flags=appconfig:${ids.join('/')}?ttl=45s` },
});
production.grantReadConfig(greeter);

new cdk.CfnOutput(stack, 'Function', { value: greeter.functionName });
