# The function `hello`, with Terraform or OpenTofu. In the crate's folder:
#   pilotlight build --arch arm64 --zip && terraform init && terraform apply
# For x86_64, change the architecture above and below.
terraform {
  required_providers { aws = { source = "hashicorp/aws", version = ">= 6.29" } }
}
resource "aws_iam_role" "function" {
  name_prefix = "hello-"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [
    { Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "lambda.amazonaws.com" } }
  ] })
}
resource "aws_iam_role_policy_attachment" "log" {
  role       = aws_iam_role.function.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
}
resource "aws_lambda_function" "function" {
  function_name    = "hello"
  role             = aws_iam_role.function.arn
  runtime          = "provided.al2023"
  architectures    = ["arm64"]
  handler          = "hello"
  filename         = "target/lambda/hello/bootstrap.zip"
  source_code_hash = filebase64sha256("target/lambda/hello/bootstrap.zip")
  timeout          = 10
}
# For HTTP handlers: a public URL. The provider adds the permission for InvokeFunctionUrl.
resource "aws_lambda_function_url" "function" {
  function_name      = aws_lambda_function.function.function_name
  authorization_type = "NONE"
}
resource "aws_lambda_permission" "url" {
  function_name            = aws_lambda_function.function.function_name
  action                   = "lambda:InvokeFunction"
  principal                = "*"
  invoked_via_function_url = true
}
output "url" { value = aws_lambda_function_url.function.function_url }
# End of the URL.
