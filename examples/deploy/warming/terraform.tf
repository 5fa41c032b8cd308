# Keeps the function of ../terraform/main.tf warm: put this file beside that one.
#
# The ping goes to the function itself, not through HTTP. Its input is constant, and the runtime
# answers it without calling the handler. `concurrency` is the number of environments to keep warm.
resource "aws_scheduler_schedule" "warm" {
  description         = "Keeps the function's execution environments warm."
  schedule_expression = "rate(5 minutes)"
  flexible_time_window { mode = "OFF" }
  target {
    arn      = aws_lambda_function.function.arn
    role_arn = aws_iam_role.warm.arn
    input    = jsonencode({ warmer = true, concurrency = 5 })
    # No retries: the next ping comes in five minutes.
    retry_policy {
      maximum_retry_attempts       = 0
      maximum_event_age_in_seconds = 60
    }
  }
}
resource "aws_iam_role" "warm" {
  name_prefix = "warm-"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [
    { Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "scheduler.amazonaws.com" } }
  ] })
}
# The schedule invokes the function. For the fan-out, the function invokes itself, by name and by
# version or alias.
resource "aws_iam_role_policy" "warm" {
  for_each = { schedule = aws_iam_role.warm.name, fan-out = aws_iam_role.function.name }
  role     = each.value
  policy = jsonencode({ Version = "2012-10-17", Statement = [{
    Effect   = "Allow"
    Action   = "lambda:InvokeFunction"
    Resource = [aws_lambda_function.function.arn, "${aws_lambda_function.function.arn}:*"]
  }] })
}
