package main

import (
	"strconv"
	"strings"
)

// pick chooses a user agent for good; @ in it becomes a version number.
func pick(id uint64, agents []string) string {
	text := agents[mix(id)%uint64(len(agents))]
	version := strconv.Itoa(int(mix(id+1) % 40))
	return strings.ReplaceAll(text, "@", version)
}

func instanceAgents() []string {
	return []string{
		"aws-sdk-go/1.55.@ (go1.23.4; linux; amd64) amazon-ssm-agent/3.3.1230.0",
		"aws-sdk-go/1.55.@ (go1.23.4; linux; amd64) amazon-cloudwatch-agent/1.300045.1",
		"aws-sdk-go-v2/1.32.@ ua/2.1 os/linux lang/go#1.23.4 md/GOOS#linux md/GOARCH#amd64 api/ecs#1.49.2 amazon-ecs-agent/1.89.1",
		"Boto3/1.35.@ md/Botocore#1.35.80 ua/2.0 os/linux#6.1.115-126.197.amzn2023 md/arch#x86_64 lang/python#3.11.9 md/pyimpl#CPython",
		"aws-sdk-java/2.29.@ md/io#sync md/http#Apache ua/2.1 os/Linux#6.1.115 lang/java#21.0.5 md/OpenJDK_64-Bit_Server_VM#21.0.5+11-LTS md/vendor#Amazon.com_Inc. md/en_US cfg/auth-source#imds",
	}
}

func programAgents() []string {
	return []string{
		"aws-sdk-java/2.29.@ md/io#async md/http#NettyNio md/internal ua/2.1 os/Linux#5.10.228 lang/java#17.0.13 md/OpenJDK_64-Bit_Server_VM#17.0.13 exec-env/AWS_ECS_FARGATE cfg/auth-source#cont",
		"aws-sdk-java/1.12.@ Linux/5.10.228-219.884.amzn2.x86_64 OpenJDK_64-Bit_Server_VM/11.0.25+9-LTS java/11.0.25 vendor/Amazon.com_Inc. cfg/retry-mode/legacy",
		"aws-sdk-go-v2/1.32.@ ua/2.1 os/linux lang/go#1.23.4 md/GOOS#linux md/GOARCH#arm64 api/dynamodb#1.37.1 m/E,g",
		"Boto3/1.35.@ md/Botocore#1.35.80 ua/2.0 os/linux#5.10.228-219.884.amzn2.x86_64 md/arch#x86_64 lang/python#3.12.7 md/pyimpl#CPython exec-env/AWS_ECS_EC2 Botocore/1.35.80",
		"aws-sdk-js/3.700.@ ua/2.1 os/linux#5.10.228 lang/js md/nodejs#20.18.1 api/secrets-manager#3.700.0 exec-env/AWS_ECS_FARGATE",
		"aws-sdk-rust/1.3.@ ua/2.1 api/kms/1.52.0 os/linux lang/rust/1.82.0",
	}
}

func lambdaAgents() []string {
	return []string{
		"Boto3/1.35.@ md/Botocore#1.35.80 ua/2.0 os/linux#5.10.227-239.884.amzn2 lang/python#3.12.7 md/pyimpl#CPython exec-env/AWS_Lambda_python3.12",
		"aws-sdk-js/3.700.@ ua/2.1 os/linux#5.10.227-239.884.amzn2.aarch64 lang/js md/nodejs#20.18.0 api/sqs#3.700.0 exec-env/AWS_Lambda_nodejs20.x",
		"aws-sdk-go-v2/1.32.@ ua/2.1 os/linux lang/go#1.23.4 md/GOOS#linux md/GOARCH#arm64 exec-env/AWS_Lambda_provided.al2023 api/s3#1.69.0",
	}
}

func pipelineAgents() []string {
	return []string{
		"APN/1.0 HashiCorp/1.0 Terraform/1.9.@ (+https://www.terraform.io) terraform-provider-aws/5.78.0 (+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go-v2/1.32.5 ua/2.1 os/linux lang/go#1.23.3 md/GOOS#linux md/GOARCH#amd64 api/iam#1.38.1",
		"aws-cli/2.22.@ md/awscrt#0.22.0 ua/2.0 os/linux#6.5.0-1025-azure md/arch#x86_64 lang/python#3.12.6 md/pyimpl#CPython exec-env/GitHubActions cfg/retry-mode#standard md/installer#exe md/distrib#ubuntu.22 md/prompt#off md/command#ecs.update-service",
		"aws-sdk-go-v2/1.32.@ ua/2.1 os/linux lang/go#1.23.3 md/GOOS#linux md/GOARCH#amd64 api/cloudformation#1.56.0 pulumi-aws/6.60.0",
	}
}

func personAgents() []string {
	return []string{
		"aws-cli/2.22.@ md/awscrt#0.22.0 ua/2.0 os/macos#24.1.0 md/arch#arm64 lang/python#3.12.7 md/pyimpl#CPython cfg/retry-mode#standard md/installer#exe md/prompt#off md/command#ecs.describe-services",
		"aws-cli/2.21.@ md/awscrt#0.22.0 ua/2.0 os/linux#6.8.0-49-generic md/arch#x86_64 lang/python#3.12.6 md/pyimpl#CPython cfg/retry-mode#standard md/installer#exe md/distrib#ubuntu.24 md/prompt#off md/command#logs.tail",
		"Boto3/1.35.@ md/Botocore#1.35.80 ua/2.0 os/macos#24.1.0 md/arch#arm64 lang/python#3.11.10 md/pyimpl#CPython cfg/retry-mode#legacy Botocore/1.35.80",
	}
}

func browserAgents() []string {
	return []string{
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/1@.0.0.0 Safari/537.36",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/1@.0.0.0 Safari/537.36 Edg/1@.0.0.0",
		"Mozilla/5.0 (X11; Linux x86_64; rv:1@.0) Gecko/20100101 Firefox/1@.0",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.@ Safari/605.1.15",
	}
}
