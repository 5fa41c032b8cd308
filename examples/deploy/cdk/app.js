// A function on the Pilotlight layer, kept warm by an EventBridge rule or by EventBridge Scheduler:
//
//   npm install && npx cdk deploy -c warmBy=scheduler -c warmConcurrency=5
//
// It is for arm64, and with -c arch=x86_64 for that.
//
// The ping goes to the function itself, not through HTTP. Its input is constant, and the runtime
// answers it without calling the handler.
'use strict'

const path = require('path')
const { App, ArnFormat, Duration, Stack } = require('aws-cdk-lib')
const events = require('aws-cdk-lib/aws-events')
const targets = require('aws-cdk-lib/aws-events-targets')
const iam = require('aws-cdk-lib/aws-iam')
const lambda = require('aws-cdk-lib/aws-lambda')
const scheduler = require('aws-cdk-lib/aws-scheduler')
const schedulerTargets = require('aws-cdk-lib/aws-scheduler-targets')

const dist = path.join(__dirname, '../../../dist')
// The architecture, by Lambda's name, and the folder of its handlers.
const architectures = {
  arm64: [lambda.Architecture.ARM_64, 'arm64/examples'],
  x86_64: [lambda.Architecture.X86_64, 'examples']
}

class Warm extends Stack {
  constructor (scope, id, { arch, warmBy, warmConcurrency }) {
    super(scope, id)
    if (!architectures[arch]) throw new Error(`arch is ${arch}, expected arm64 or x86_64`)
    const [architecture, handlers] = architectures[arch]
    const layer = new lambda.LayerVersion(this, 'Layer', {
      code: lambda.Code.fromAsset(path.join(dist, `pilotlight-layer-${arch}.zip`)),
      compatibleRuntimes: [lambda.Runtime.PROVIDED_AL2023],
      compatibleArchitectures: [architecture]
    })
    const hello = new lambda.Function(this, 'Function', {
      functionName: 'hello',
      runtime: lambda.Runtime.PROVIDED_AL2023,
      architecture,
      // The runtime loads lib<handler>.so from the package.
      handler: 'hello',
      code: lambda.Code.fromAsset(path.join(dist, handlers)),
      memorySize: 128,
      timeout: Duration.seconds(10),
      layers: [layer]
    })
    // For the fan-out, the function invokes itself, by name and by version or alias.
    const itself = this.formatArn({
      service: 'lambda',
      resource: 'function',
      resourceName: 'hello',
      arnFormat: ArnFormat.COLON_RESOURCE_NAME
    })
    hello.addToRolePolicy(new iam.PolicyStatement({
      actions: ['lambda:InvokeFunction'],
      resources: [itself, `${itself}:*`]
    }))

    const ping = { warmer: true, concurrency: Number(warmConcurrency) }
    const everyFiveMinutes = Duration.minutes(5)
    if (warmBy === 'rule') {
      new events.Rule(this, 'WarmRule', {
        description: "Keeps the function's execution environments warm.",
        schedule: events.Schedule.rate(everyFiveMinutes),
        targets: [new targets.LambdaFunction(hello, { event: events.RuleTargetInput.fromObject(ping) })]
      })
    } else if (warmBy === 'scheduler') {
      new scheduler.Schedule(this, 'WarmSchedule', {
        description: "Keeps the function's execution environments warm.",
        schedule: scheduler.ScheduleExpression.rate(everyFiveMinutes),
        target: new schedulerTargets.LambdaInvoke(hello, {
          input: scheduler.ScheduleTargetInput.fromObject(ping),
          // No retries: the next ping comes in five minutes.
          retryAttempts: 0,
          maxEventAge: Duration.minutes(1)
        })
      })
    } else {
      throw new Error(`warmBy is ${warmBy}, expected rule or scheduler`)
    }
  }
}

const app = new App()
new Warm(app, 'pilotlight-warm', {
  arch: app.node.tryGetContext('arch') || 'arm64',
  warmBy: app.node.tryGetContext('warmBy'),
  warmConcurrency: app.node.tryGetContext('warmConcurrency')
})
