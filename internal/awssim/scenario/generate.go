package scenario

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"

	"github.com/rootkeep/rootkeep"
)

// MinAccounts and MaxAccounts bound how many accounts are generated.
const (
	MinAccounts = 3
	MaxAccounts = 1000
)

// Generate makes the plan of an organization: management, security and log archive,
// then accounts with workloads. Centralized root access is on. Weaknesses are planted:
// each account with workloads has one of a few kinds of root user, the alarm on root
// use asks for more than one event, nobody confirmed its subscription, an administrator
// policy and a role open to a stranger lie around. Equal arguments give equal plans.
func Generate(accounts int, seed uint64) (*Plan, error) {
	if accounts < MinAccounts || accounts > MaxAccounts {
		return nil, fmt.Errorf("%d accounts: want %d to %d", accounts, MinAccounts, MaxAccounts)
	}
	g := generator{random: rand.New(rand.NewPCG(seed, 1)), plan: &Plan{}}
	for i := range accounts {
		g.addAccount(i)
	}
	g.foundations()
	for _, a := range g.plan.Accounts {
		g.people(a.Name)
	}
	g.logging()
	g.monitoring()
	for _, a := range g.plan.Accounts[MinAccounts:] {
		g.workload(a.Name)
	}
	return g.plan, nil
}

type generator struct {
	random *rand.Rand
	plan   *Plan
}

func days(n int) *int { return &n }

// rootKinds are the root users of accounts with workloads; most have no credentials.
var rootKinds = []Root{
	{},
	{Password: &Use{AgeDays: 800, UsedDaysAgo: days(700)}, Keys: []Key{{Use: Use{AgeDays: 790, UsedDaysAgo: days(2)}}}},
	{},
	{Password: &Use{AgeDays: 400}, MFA: []string{"virtual"}},
	{},
	{Password: &Use{AgeDays: 500, UsedDaysAgo: days(20)}},
	{},
	{Password: &Use{AgeDays: 300}, MFA: []string{"fido", "fido"}, Keys: []Key{{Use: Use{AgeDays: 900}, Inactive: true}}},
}

func (g *generator) addAccount(i int) {
	a := Account{ID: rootkeep.AccountID(fmt.Sprintf("%012d", 100_000_000_000+g.random.Int64N(9_000_000)+int64(i)*10_000_000%900_000_000_000)), AgeDays: 900}
	switch i {
	case 0:
		a.Name = "management"
		a.Root = Root{Password: &Use{AgeDays: 120, UsedDaysAgo: days(45)}, MFA: []string{"fido", "virtual"}}
	case 1:
		a.Name, a.Unit = "security", "Security"
	case 2:
		a.Name, a.Unit = "log-archive", "Security"
	default:
		a.Name, a.Unit, a.AgeDays = fmt.Sprintf("app-%d", i-MinAccounts+1), "Workloads", 850
		a.Root = rootKinds[(i-2)%len(rootKinds)]
	}
	a.Email = "aws+" + a.Name + "@example.com"
	g.plan.Accounts = append(g.plan.Accounts, a)
}

// do appends a call.
func (g *generator) do(daysAgo int, account, service, operation string, with map[string]any) {
	g.plan.Calls = append(g.plan.Calls, Call{Account: account, Service: service, Operation: operation, With: with, DaysAgo: daysAgo})
}

type object = map[string]any

func policyText(statements ...object) string {
	text, _ := json.Marshal(object{"Version": "2012-10-17", "Statement": statements}) // text always marshals
	return string(text)
}

func allow(more object) object {
	out := object{"Effect": "Allow"}
	for k, v := range more {
		out[k] = v
	}
	return out
}

// foundations sets the organization up.
func (g *generator) foundations() {
	for _, name := range []string{"iam", "account", "cloudtrail", "config", "access-analyzer"} {
		g.do(800, "management", "organizations", "EnableAWSServiceAccess", object{"ServicePrincipal": name + ".amazonaws.com"})
	}
	for _, name := range []string{"iam", "config", "access-analyzer"} {
		g.do(800, "management", "organizations", "RegisterDelegatedAdministrator", object{"AccountId": "${account:security}", "ServicePrincipal": name + ".amazonaws.com"})
	}
	g.do(800, "management", "iam", "EnableOrganizationsRootCredentialsManagement", nil)
	g.do(800, "management", "iam", "EnableOrganizationsRootSessions", nil)
	g.do(800, "management", "organizations", "CreatePolicy", object{
		"Name": "no-root", "Description": "No long-term use of root", "Type": "SERVICE_CONTROL_POLICY",
		"Content": policyText(object{
			"Effect": "Deny", "Action": "*", "Resource": "*",
			"Condition": object{"ArnLike": object{"aws:PrincipalArn": "arn:aws:iam::*:root"}, "Null": object{"aws:AssumedRoot": "true"}},
		}),
	})
	for _, kind := range []string{"SECURITY", "BILLING"} {
		g.do(790, "management", "account", "PutAlternateContact", object{
			"AlternateContactType": kind, "Name": "On call", "Title": "Desk", "EmailAddress": "security@example.com", "PhoneNumber": "+15550100",
		})
	}
}

var firstNames = []string{"alice", "bao", "chidi", "dana", "emil", "fatima", "goro", "hana"}

// people makes users and the role that a scan uses.
func (g *generator) people(account string) {
	trust := policyText(allow(object{"Principal": object{"AWS": []string{"arn:aws:iam::${account:security}:root", "arn:aws:iam::${account:management}:root"}}, "Action": []string{"sts:AssumeRole", "sts:SetSourceIdentity"}}))
	g.do(700, account, "iam", "CreateRole", object{"RoleName": "RootkeepReadOnly", "AssumeRolePolicyDocument": trust, "MaxSessionDuration": 3600})
	g.do(700, account, "iam", "AttachRolePolicy", object{"RoleName": "RootkeepReadOnly", "PolicyArn": "arn:aws:iam::aws:policy/SecurityAudit"})
	g.do(700, account, "iam", "CreateGroup", object{"GroupName": "developers"})
	g.do(700, account, "iam", "AttachGroupPolicy", object{"GroupName": "developers", "PolicyArn": "arn:aws:iam::aws:policy/PowerUserAccess"})
	for _, i := range g.random.Perm(len(firstNames))[:3] {
		name := firstNames[i]
		g.do(700, account, "iam", "CreateUser", object{"UserName": name, "Path": "/staff/"})
		g.do(700, account, "iam", "AddUserToGroup", object{"GroupName": "developers", "UserName": name})
		if g.random.IntN(2) == 0 {
			g.do(700, account, "iam", "CreateLoginProfile", object{"UserName": name, "Password": "Made-up-1-Password"})
		}
		if g.random.IntN(3) == 0 {
			g.do(700, account, "iam", "CreateAccessKey", object{"UserName": name})
		}
	}
}

// logging makes the log bucket and the organization's trail.
func (g *generator) logging() {
	bucket := "trail-logs-${account:log-archive}"
	service := object{"Service": "cloudtrail.amazonaws.com"}
	g.do(600, "log-archive", "s3", "CreateBucket", object{"Bucket": bucket})
	g.do(600, "log-archive", "s3", "PutBucketVersioning", object{"Bucket": bucket, "VersioningConfiguration": object{"Status": "Enabled"}})
	g.do(600, "log-archive", "s3", "PutBucketPolicy", object{"Bucket": bucket, "Policy": policyText(
		allow(object{"Principal": service, "Action": "s3:GetBucketAcl", "Resource": "arn:aws:s3:::" + bucket}),
		allow(object{"Principal": service, "Action": "s3:PutObject", "Resource": "arn:aws:s3:::" + bucket + "/AWSLogs/*"}),
	)})
	g.do(600, "management", "logs", "CreateLogGroup", object{"logGroupName": "organization-trail"})
	g.do(600, "management", "iam", "CreateRole", object{"RoleName": "trail-to-logs", "AssumeRolePolicyDocument": policyText(allow(object{"Principal": service, "Action": "sts:AssumeRole"}))})
	g.do(600, "management", "iam", "PutRolePolicy", object{"RoleName": "trail-to-logs", "PolicyName": "deliver", "PolicyDocument": policyText(
		allow(object{"Action": []string{"logs:CreateLogStream", "logs:PutLogEvents"}, "Resource": "arn:aws:logs:us-east-1:${account:management}:log-group:organization-trail:log-stream:*"}),
	)})
	g.do(600, "management", "cloudtrail", "CreateTrail", object{
		"Name": "organization", "S3BucketName": bucket, "IsMultiRegionTrail": true, "IsOrganizationTrail": true, "EnableLogFileValidation": true,
		"CloudWatchLogsLogGroupArn": "arn:aws:logs:us-east-1:${account:management}:log-group:organization-trail:*",
		"CloudWatchLogsRoleArn":     "arn:aws:iam::${account:management}:role/trail-to-logs",
	})
	g.do(600, "management", "cloudtrail", "StartLogging", object{"Name": "organization"})
}

// monitoring makes the alarm on root use as many a guide prints it: it asks for more
// than one event, and nobody confirmed the subscription.
func (g *generator) monitoring() {
	topic := "arn:aws:sns:us-east-1:${account:management}:root-alerts"
	g.do(500, "management", "sns", "CreateTopic", object{"Name": "root-alerts"})
	g.do(500, "management", "sns", "Subscribe", object{"TopicArn": topic, "Protocol": "email", "Endpoint": "security@example.com"})
	g.do(500, "management", "logs", "PutMetricFilter", object{
		"logGroupName": "organization-trail", "filterName": "root-use",
		"filterPattern":         `{ $.userIdentity.type = "Root" && $.userIdentity.invokedBy NOT EXISTS && $.eventType != "AwsServiceEvent" }`,
		"metricTransformations": []object{{"metricName": "RootUse", "metricNamespace": "CISBenchmark", "metricValue": "1"}},
	})
	g.do(500, "management", "monitoring", "PutMetricAlarm", object{
		"AlarmName": "root-use", "MetricName": "RootUse", "Namespace": "CISBenchmark", "Statistic": "Sum", "Period": 300, "EvaluationPeriods": 1, "Threshold": 1,
		"ComparisonOperator": "GreaterThanThreshold", "AlarmActions": []string{topic},
	})
	g.do(450, "management", "guardduty", "EnableOrganizationAdminAccount", object{"adminAccountId": "${account:security}"})
	for _, a := range g.plan.Accounts {
		// The newest account was forgotten.
		if a.Name != g.plan.Accounts[len(g.plan.Accounts)-1].Name {
			g.do(450, a.Name, "guardduty", "CreateDetector", object{"enable": true})
		}
	}
	g.do(450, "security", "securityhub", "EnableSecurityHub", object{"EnableDefaultStandards": true})
	g.do(450, "security", "access-analyzer", "CreateAnalyzer", object{"analyzerName": "organization", "type": "ORGANIZATION"})
}

// workload plants a weakness in every second account with workloads.
func (g *generator) workload(account string) {
	g.do(400, account, "s3", "CreateBucket", object{"Bucket": "data-${account:" + account + "}"})
	if g.random.IntN(2) == 0 {
		g.do(400, account, "iam", "CreatePolicy", object{"PolicyName": "deploy", "PolicyDocument": policyText(allow(object{"Action": "*", "Resource": "*"}))})
		g.do(400, account, "iam", "CreateRole", object{
			"RoleName": "deploy", "AssumeRolePolicyDocument": policyText(allow(object{"Principal": object{"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"})),
		})
		g.do(400, account, "iam", "AttachRolePolicy", object{"RoleName": "deploy", "PolicyArn": "arn:aws:iam::${account:" + account + "}:policy/deploy"})
		return
	}
	g.do(400, account, "iam", "CreateRole", object{
		"RoleName": "vendor", "AssumeRolePolicyDocument": policyText(allow(object{"Principal": object{"AWS": "arn:aws:iam::999988887777:root"}, "Action": "sts:AssumeRole"})),
	})
	g.do(400, account, "iam", "AttachRolePolicy", object{"RoleName": "vendor", "PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"})
}
