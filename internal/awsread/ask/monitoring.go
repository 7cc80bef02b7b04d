package ask

import (
	"github.com/aws/aws-sdk-go-v2/service/accessanalyzer"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/configservice"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/guardduty"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/rootkeep/rootkeep/internal/awsread/invoke"
)

// watching are what CloudWatch and CloudWatch Logs are asked. Source: Amazon CloudWatch
// API Reference, version 2010-08-01; Amazon CloudWatch Logs API Reference, version
// 2014-03-28.
func watching() []invoke.Operation {
	return []invoke.Operation{
		invoke.Op(cloudwatchlogs.NewFromConfig, (*cloudwatchlogs.Client).DescribeLogGroups),
		invoke.Op(cloudwatchlogs.NewFromConfig, (*cloudwatchlogs.Client).DescribeMetricFilters),
		invoke.Op(cloudwatchlogs.NewFromConfig, (*cloudwatchlogs.Client).DescribeSubscriptionFilters),
		invoke.Op(cloudwatchlogs.NewFromConfig, (*cloudwatchlogs.Client).ListTagsForResource),
		invoke.Op(cloudwatch.NewFromConfig, (*cloudwatch.Client).DescribeAlarms),
		invoke.Op(cloudwatch.NewFromConfig, (*cloudwatch.Client).DescribeAlarmsForMetric),
		invoke.Op(cloudwatch.NewFromConfig, (*cloudwatch.Client).ListTagsForResource),
	}
}

// messages are what SNS, SQS and EventBridge are asked. Without a limit SQS cuts its list.
// Source: Amazon SNS API Reference, version 2010-03-31; Amazon SQS API Reference, version
// 2012-11-05; Amazon EventBridge API Reference, version 2015-10-07.
func messages() []invoke.Operation {
	return []invoke.Operation{
		invoke.Op(sns.NewFromConfig, (*sns.Client).ListTopics),
		invoke.Op(sns.NewFromConfig, (*sns.Client).GetTopicAttributes),
		invoke.Op(sns.NewFromConfig, (*sns.Client).ListSubscriptions),
		invoke.Op(sns.NewFromConfig, (*sns.Client).ListSubscriptionsByTopic),
		invoke.Op(sns.NewFromConfig, (*sns.Client).GetSubscriptionAttributes),
		invoke.Op(sns.NewFromConfig, (*sns.Client).ListTagsForResource),
		invoke.Op(sqs.NewFromConfig, (*sqs.Client).ListQueues, invoke.Preset("MaxResults", 1000)),
		invoke.Op(sqs.NewFromConfig, (*sqs.Client).GetQueueUrl),
		invoke.Op(sqs.NewFromConfig, (*sqs.Client).GetQueueAttributes),
		invoke.Op(sqs.NewFromConfig, (*sqs.Client).ListQueueTags),
		invoke.Op(eventbridge.NewFromConfig, (*eventbridge.Client).ListEventBuses),
		invoke.Op(eventbridge.NewFromConfig, (*eventbridge.Client).DescribeEventBus),
		invoke.Op(eventbridge.NewFromConfig, (*eventbridge.Client).ListRules),
		invoke.Op(eventbridge.NewFromConfig, (*eventbridge.Client).DescribeRule),
		invoke.Op(eventbridge.NewFromConfig, (*eventbridge.Client).ListTargetsByRule),
		invoke.Op(eventbridge.NewFromConfig, (*eventbridge.Client).ListRuleNamesByTarget),
	}
}

// findings are what AWS Config, GuardDuty, Security Hub and Access Analyzer are asked.
// Source: the API references of these services.
func findings() []invoke.Operation {
	return []invoke.Operation{
		invoke.Op(configservice.NewFromConfig, (*configservice.Client).DescribeConfigurationRecorders),
		invoke.Op(configservice.NewFromConfig, (*configservice.Client).DescribeConfigurationRecorderStatus),
		invoke.Op(configservice.NewFromConfig, (*configservice.Client).DescribeDeliveryChannels),
		invoke.Op(configservice.NewFromConfig, (*configservice.Client).DescribeDeliveryChannelStatus),
		invoke.Op(configservice.NewFromConfig, (*configservice.Client).DescribeConfigRules),
		invoke.Op(configservice.NewFromConfig, (*configservice.Client).DescribeComplianceByConfigRule),
		invoke.Op(configservice.NewFromConfig, (*configservice.Client).DescribeConfigRuleEvaluationStatus),
		invoke.Op(configservice.NewFromConfig, (*configservice.Client).DescribeConfigurationAggregators),
		invoke.Op(guardduty.NewFromConfig, (*guardduty.Client).ListDetectors),
		invoke.Op(guardduty.NewFromConfig, (*guardduty.Client).GetDetector),
		invoke.Op(guardduty.NewFromConfig, (*guardduty.Client).ListFilters),
		invoke.Op(guardduty.NewFromConfig, (*guardduty.Client).GetFilter),
		invoke.Op(guardduty.NewFromConfig, (*guardduty.Client).ListIPSets),
		invoke.Op(guardduty.NewFromConfig, (*guardduty.Client).GetIPSet),
		invoke.Op(guardduty.NewFromConfig, (*guardduty.Client).ListMembers),
		invoke.Op(guardduty.NewFromConfig, (*guardduty.Client).GetAdministratorAccount),
		invoke.Op(guardduty.NewFromConfig, (*guardduty.Client).ListOrganizationAdminAccounts),
		invoke.Op(guardduty.NewFromConfig, (*guardduty.Client).DescribeOrganizationConfiguration),
		invoke.Op(guardduty.NewFromConfig, (*guardduty.Client).ListPublishingDestinations),
		invoke.Op(guardduty.NewFromConfig, (*guardduty.Client).DescribePublishingDestination),
		invoke.Op(securityhub.NewFromConfig, (*securityhub.Client).DescribeHub),
		invoke.Op(securityhub.NewFromConfig, (*securityhub.Client).DescribeSecurityHubV2),
		invoke.Op(securityhub.NewFromConfig, (*securityhub.Client).DescribeStandards),
		invoke.Op(securityhub.NewFromConfig, (*securityhub.Client).GetEnabledStandards),
		invoke.Op(securityhub.NewFromConfig, (*securityhub.Client).DescribeStandardsControls),
		invoke.Op(securityhub.NewFromConfig, (*securityhub.Client).BatchGetStandardsControlAssociations),
		invoke.Op(securityhub.NewFromConfig, (*securityhub.Client).ListFindingAggregators),
		invoke.Op(securityhub.NewFromConfig, (*securityhub.Client).GetFindingAggregator),
		invoke.Op(securityhub.NewFromConfig, (*securityhub.Client).GetAdministratorAccount),
		invoke.Op(securityhub.NewFromConfig, (*securityhub.Client).ListOrganizationAdminAccounts),
		invoke.Op(securityhub.NewFromConfig, (*securityhub.Client).DescribeOrganizationConfiguration),
		invoke.Op(accessanalyzer.NewFromConfig, (*accessanalyzer.Client).ListAnalyzers),
		invoke.Op(accessanalyzer.NewFromConfig, (*accessanalyzer.Client).GetAnalyzer),
		invoke.Op(accessanalyzer.NewFromConfig, (*accessanalyzer.Client).ListArchiveRules),
	}
}
