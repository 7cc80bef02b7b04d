package awswrite

import (
	"github.com/aws/aws-sdk-go-v2/service/accessanalyzer"
	analyzertypes "github.com/aws/aws-sdk-go-v2/service/accessanalyzer/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	watchtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/configservice"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/guardduty"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/rootkeep/rootkeep/internal/awsread/invoke"
)

// watching are the operations of CloudWatch and CloudWatch Logs. Source: Amazon CloudWatch
// API Reference, version 2010-08-01; Amazon CloudWatch Logs API Reference, version
// 2014-03-28.
func watching() []invoke.Operation {
	return []invoke.Operation{
		invoke.Op(cloudwatchlogs.NewFromConfig, (*cloudwatchlogs.Client).CreateLogGroup),
		invoke.Op(cloudwatchlogs.NewFromConfig, (*cloudwatchlogs.Client).DeleteLogGroup),
		invoke.Op(cloudwatchlogs.NewFromConfig, (*cloudwatchlogs.Client).PutRetentionPolicy),
		invoke.Op(cloudwatchlogs.NewFromConfig, (*cloudwatchlogs.Client).DeleteRetentionPolicy),
		invoke.Op(cloudwatchlogs.NewFromConfig, (*cloudwatchlogs.Client).PutMetricFilter),
		invoke.Op(cloudwatchlogs.NewFromConfig, (*cloudwatchlogs.Client).DeleteMetricFilter),
		invoke.Op(cloudwatchlogs.NewFromConfig, (*cloudwatchlogs.Client).AssociateKmsKey),
		invoke.Op(cloudwatch.NewFromConfig, (*cloudwatch.Client).PutMetricAlarm,
			invoke.Choice[watchtypes.EvaluationCriteriaMemberPromQLCriteria],
			invoke.Choice[watchtypes.EvaluationWindowMemberSlidingWindow], invoke.Choice[watchtypes.EvaluationWindowMemberWallClockWindow]),
		invoke.Op(cloudwatch.NewFromConfig, (*cloudwatch.Client).DeleteAlarms),
		invoke.Op(cloudwatch.NewFromConfig, (*cloudwatch.Client).EnableAlarmActions),
		invoke.Op(cloudwatch.NewFromConfig, (*cloudwatch.Client).DisableAlarmActions),
	}
}

// messages are the operations of SNS, SQS and EventBridge. Source: Amazon SNS API
// Reference, version 2010-03-31; Amazon SQS API Reference, version 2012-11-05; Amazon
// EventBridge API Reference, version 2015-10-07.
func messages() []invoke.Operation {
	return []invoke.Operation{
		invoke.Op(sns.NewFromConfig, (*sns.Client).CreateTopic),
		invoke.Op(sns.NewFromConfig, (*sns.Client).DeleteTopic),
		invoke.Op(sns.NewFromConfig, (*sns.Client).SetTopicAttributes),
		invoke.Op(sns.NewFromConfig, (*sns.Client).Subscribe),
		invoke.Op(sns.NewFromConfig, (*sns.Client).Unsubscribe),
		invoke.Op(sqs.NewFromConfig, (*sqs.Client).CreateQueue),
		invoke.Op(sqs.NewFromConfig, (*sqs.Client).SetQueueAttributes),
		invoke.Op(sqs.NewFromConfig, (*sqs.Client).DeleteQueue),
		invoke.Op(eventbridge.NewFromConfig, (*eventbridge.Client).PutRule),
		invoke.Op(eventbridge.NewFromConfig, (*eventbridge.Client).DeleteRule),
		invoke.Op(eventbridge.NewFromConfig, (*eventbridge.Client).EnableRule),
		invoke.Op(eventbridge.NewFromConfig, (*eventbridge.Client).DisableRule),
		invoke.Op(eventbridge.NewFromConfig, (*eventbridge.Client).PutTargets),
		invoke.Op(eventbridge.NewFromConfig, (*eventbridge.Client).RemoveTargets),
		invoke.Op(eventbridge.NewFromConfig, (*eventbridge.Client).PutPermission),
		invoke.Op(eventbridge.NewFromConfig, (*eventbridge.Client).RemovePermission),
	}
}

// findings are the operations of AWS Config, GuardDuty, Security Hub and Access Analyzer,
// some of which make the role of their service if it is not there yet. Source: the API
// references of these services; Service Authorization Reference, "Dependent actions".
func findings() []invoke.Operation {
	const serviceRole, pass = "iam:CreateServiceLinkedRole", "iam:PassRole"
	return []invoke.Operation{
		invoke.Op(configservice.NewFromConfig, (*configservice.Client).PutConfigurationRecorder, invoke.By("config:PutConfigurationRecorder", pass)),
		invoke.Op(configservice.NewFromConfig, (*configservice.Client).DeleteConfigurationRecorder),
		invoke.Op(configservice.NewFromConfig, (*configservice.Client).StartConfigurationRecorder),
		invoke.Op(configservice.NewFromConfig, (*configservice.Client).StopConfigurationRecorder),
		invoke.Op(configservice.NewFromConfig, (*configservice.Client).PutDeliveryChannel),
		invoke.Op(configservice.NewFromConfig, (*configservice.Client).DeleteDeliveryChannel),
		invoke.Op(configservice.NewFromConfig, (*configservice.Client).PutConfigRule),
		invoke.Op(configservice.NewFromConfig, (*configservice.Client).DeleteConfigRule),
		invoke.Op(configservice.NewFromConfig, (*configservice.Client).PutConfigurationAggregator),
		invoke.Op(configservice.NewFromConfig, (*configservice.Client).DeleteConfigurationAggregator),
		invoke.Op(guardduty.NewFromConfig, (*guardduty.Client).CreateDetector, invoke.By("guardduty:CreateDetector", serviceRole)),
		invoke.Op(guardduty.NewFromConfig, (*guardduty.Client).UpdateDetector),
		invoke.Op(guardduty.NewFromConfig, (*guardduty.Client).DeleteDetector),
		invoke.Op(guardduty.NewFromConfig, (*guardduty.Client).EnableOrganizationAdminAccount),
		invoke.Op(guardduty.NewFromConfig, (*guardduty.Client).DisableOrganizationAdminAccount),
		invoke.Op(guardduty.NewFromConfig, (*guardduty.Client).UpdateOrganizationConfiguration),
		invoke.Op(guardduty.NewFromConfig, (*guardduty.Client).CreateFilter),
		invoke.Op(guardduty.NewFromConfig, (*guardduty.Client).DeleteFilter),
		invoke.Op(guardduty.NewFromConfig, (*guardduty.Client).CreatePublishingDestination),
		invoke.Op(guardduty.NewFromConfig, (*guardduty.Client).DeletePublishingDestination),
		invoke.Op(securityhub.NewFromConfig, (*securityhub.Client).EnableSecurityHub, invoke.By("securityhub:EnableSecurityHub", serviceRole)),
		invoke.Op(securityhub.NewFromConfig, (*securityhub.Client).DisableSecurityHub),
		invoke.Op(securityhub.NewFromConfig, (*securityhub.Client).UpdateSecurityHubConfiguration),
		invoke.Op(securityhub.NewFromConfig, (*securityhub.Client).EnableSecurityHubV2, invoke.By("securityhub:EnableSecurityHubV2", serviceRole)),
		invoke.Op(securityhub.NewFromConfig, (*securityhub.Client).DisableSecurityHubV2),
		invoke.Op(securityhub.NewFromConfig, (*securityhub.Client).BatchEnableStandards),
		invoke.Op(securityhub.NewFromConfig, (*securityhub.Client).BatchDisableStandards),
		invoke.Op(securityhub.NewFromConfig, (*securityhub.Client).CreateFindingAggregator),
		invoke.Op(securityhub.NewFromConfig, (*securityhub.Client).DeleteFindingAggregator),
		invoke.Op(securityhub.NewFromConfig, (*securityhub.Client).UpdateOrganizationConfiguration),
		invoke.Op(securityhub.NewFromConfig, (*securityhub.Client).EnableOrganizationAdminAccount),
		invoke.Op(securityhub.NewFromConfig, (*securityhub.Client).DisableOrganizationAdminAccount),
		invoke.Op(securityhub.NewFromConfig, (*securityhub.Client).BatchUpdateStandardsControlAssociations),
		invoke.Op(accessanalyzer.NewFromConfig, (*accessanalyzer.Client).CreateAnalyzer, invoke.By("access-analyzer:CreateAnalyzer", serviceRole),
			invoke.Choice[analyzertypes.AnalyzerConfigurationMemberUnusedAccess], invoke.Choice[analyzertypes.AnalyzerConfigurationMemberInternalAccess]),
		invoke.Op(accessanalyzer.NewFromConfig, (*accessanalyzer.Client).DeleteAnalyzer),
	}
}
