// Keeps the function of ../cdk/app.mjs warm. Put this file beside that one, and add to it:
//
//   import { keepWarm } from './warming.mjs';
//   keepWarm(fn, { by: 'scheduler', concurrency: 5 });
//
// The ping goes to the function itself, not through HTTP. Its input is constant, and the runtime
// answers it without calling the handler. `concurrency` is the number of environments to keep warm;
// `by` is 'scheduler' (EventBridge Scheduler) or 'rule' (a rule of EventBridge).
import { Duration, Stack } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as eventTargets from 'aws-cdk-lib/aws-events-targets';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as scheduler from 'aws-cdk-lib/aws-scheduler';
import * as schedulerTargets from 'aws-cdk-lib/aws-scheduler-targets';

export function keepWarm(fn, { by, concurrency }) {
  const stack = Stack.of(fn);
  const description = "Keeps the function's execution environments warm.";
  const ping = { warmer: true, concurrency };
  const often = Duration.minutes(5);
  if (by === 'scheduler') {
    const target = new schedulerTargets.LambdaInvoke(fn, {
      input: scheduler.ScheduleTargetInput.fromObject(ping),
      // No retries: the next ping comes in five minutes.
      retryAttempts: 0,
      maxEventAge: Duration.minutes(1),
    });
    const schedule = scheduler.ScheduleExpression.rate(often);
    new scheduler.Schedule(stack, 'Warm', { description, schedule, target });
  } else if (by === 'rule') {
    const event = events.RuleTargetInput.fromObject(ping);
    const target = new eventTargets.LambdaFunction(fn, { event, retryAttempts: 0 });
    const schedule = events.Schedule.rate(often);
    new events.Rule(stack, 'Warm', { description, schedule, targets: [target] });
  } else {
    throw new Error(`by is ${by}, expected scheduler or rule`);
  }
  // For the fan-out, the function invokes itself, by name and by version or alias.
  const itself = [fn.functionArn, `${fn.functionArn}:*`];
  const invoke = new iam.PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: itself });
  new iam.Policy(stack, 'FanOut', { roles: [fn.role], statements: [invoke] });
}
