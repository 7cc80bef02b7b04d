package posture_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/facts"
	"github.com/rootkeep/rootkeep/internal/posture"
)

const (
	alertTopic = "arn:aws:sns:us-east-1:111122223333:alerts"
	rulePolicy = `{"Statement": {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sns:Publish", "Resource": "*"}}`
	// What a new topic has, and what a new topic of EventBridge's console has.
	newTopicPolicy = `{"Version": "2008-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": ["SNS:Publish", "SNS:Subscribe"], "Resource": "` + alertTopic + `",
		"Condition": {"StringEquals": {"AWS:SourceOwner": "111122223333"}}}}`
)

// ruled is an account in which rules of EventBridge, one in each Region, tell a person
// of every use of root, and nothing else does.
func ruled() *facts.Snapshot {
	s := monitored()
	s.Facts.MetricFilters, s.Facts.Alarms, s.Facts.Topics, s.Facts.Subscriptions = nil, nil, nil, nil
	for _, region := range []string{"us-east-1", "eu-west-3"} {
		topic := "arn:aws:sns:" + region + ":111122223333:alerts"
		s.Facts.EventRules = append(s.Facts.EventRules, facts.EventRule{
			ARN: "arn:aws:events:" + region + ":111122223333:rule/root", Name: "root", Bus: "default", State: "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS",
			Pattern: `{"detail": {"userIdentity": {"type": ["Root"], "invokedBy": [{"exists": false}]}, "eventType": [{"anything-but": "AwsServiceEvent"}]}}`,
			Targets: []facts.Target{{ARN: topic}},
		})
		s.Facts.Topics = append(s.Facts.Topics, facts.Topic{ARN: topic, Policy: rulePolicy})
		s.Facts.Subscriptions = append(s.Facts.Subscriptions, facts.Subscription{Topic: topic, Protocol: "https", Confirmed: true})
	}
	return s
}

// logged is an account in which a log alarm tells a person of every use of root.
func logged() *facts.Snapshot {
	s := monitored()
	s.Facts.MetricFilters, s.Facts.Alarms = nil, nil
	s.Facts.LogAlarms = []facts.LogAlarm{{
		ARN: "arn:aws:cloudwatch:us-east-1:111122223333:alarm:root", Name: "root", LogGroups: []string{"trail"}, Aggregation: "count(*) by userIdentity.arn",
		Query:    `fields @timestamp | filter userIdentity.type = "Root" and not ispresent(userIdentity.invokedBy) and eventType != "AwsServiceEvent"`,
		Schedule: "rate(5 minutes)", From: 360, To: 60, Results: 1, ResultsToAlarm: 1, Threshold: 1, Comparison: "GreaterThanOrEqualToThreshold", MissingData: "notBreaching",
		ActionsEnabled: true, Actions: []string{alertTopic},
	}}
	return s
}

type mutation struct {
	name   string
	mutate func(*facts.Facts)
	want   rootkeep.Status
	says   string
}

func run(t *testing.T, controls []*posture.Control, account func() *facts.Snapshot, mutations []mutation) {
	t.Helper()
	for _, m := range mutations {
		t.Run(m.name, func(t *testing.T) {
			s := account()
			m.mutate(&s.Facts)
			f := rootAlarm(t, s, controls)
			if told := f.Detail + strings.Join(f.Missing, " "); f.Status != m.want || !strings.Contains(told, m.says) {
				t.Errorf("got %s: %s\nwant %s: %s", f.Status, told, m.want, m.says)
			}
		})
	}
}

func TestEveryBrokenLinkOfARuleIsCaught(t *testing.T) {
	run(t, shipped(t), ruled, []mutation{
		{"whole", func(*facts.Facts) {}, rootkeep.Pass, `EventBridge rule "root" in us-east-1 reaches a confirmed subscriber`},
		{"a Region without a rule", func(f *facts.Facts) { f.EventRules = f.EventRules[:1] }, rootkeep.Fail, "no rule of EventBridge in eu-west-3 takes sts:GetCallerIdentity"},
		{"no Region is known", func(f *facts.Facts) { f.Regions = nil }, rootkeep.Unknown, "in which Regions a rule"},
		{"no rule where root signs in", func(f *facts.Facts) { f.EventRules = f.EventRules[1:] }, rootkeep.Fail, "no rule of EventBridge in us-east-1"},
		{"a rule that is disabled", func(f *facts.Facts) { f.EventRules[0].State = "DISABLED" }, rootkeep.Fail, "in us-east-1 is disabled"},
		{"a state that leaves out what only reads", func(f *facts.Facts) { f.EventRules[0].State = "ENABLED" }, rootkeep.Fail, "leaves out calls that only read, such as iam:ListAccessKeys"},
		{"a clause too many", func(f *facts.Facts) {
			f.EventRules[1].Pattern = `{"detail-type": ["AWS Console Sign In via CloudTrail"], "detail": {"userIdentity": {"type": ["Root"]}}}`
		}, rootkeep.Fail, "in eu-west-3 does not take sts:GetCallerIdentity"},
		{"a clause too few", func(f *facts.Facts) { f.EventRules[0].Pattern = `{"detail": {"userIdentity": {"type": ["Root"]}}}` }, rootkeep.Fail, "as well, which is another thing"},
		{"another source", func(f *facts.Facts) {
			f.EventRules[0].Pattern = `{"source": ["aws.signin"], "detail": {"userIdentity": {"type": ["Root"]}}}`
		}, rootkeep.Fail, "does not take iam:ListAccessKeys"},
		{"a pattern that cannot be read", func(f *facts.Facts) { f.EventRules[0].Pattern = `{` }, rootkeep.Unknown, "its pattern cannot be read"},
		{"another bus", func(f *facts.Facts) { f.EventRules[0].Bus = "custom" }, rootkeep.Fail, "no rule of EventBridge in us-east-1"},
		{"the account's own number in the pattern", func(f *facts.Facts) {
			f.EventRules[0].Pattern = `{"account": ["111122223333"], "detail": {"userIdentity": {"type": ["Root"], "invokedBy": [{"exists": false}]}}}`
		}, rootkeep.Pass, ""},
		{"another account's number in the pattern", func(f *facts.Facts) {
			f.EventRules[0].Pattern = `{"account": ["444455556666"], "detail": {"userIdentity": {"type": ["Root"]}}}`
		}, rootkeep.Fail, "no rule of EventBridge in us-east-1"},
		{"no trail", func(f *facts.Facts) { f.Trails = nil }, rootkeep.Fail, "without a live trail in that Region"},
		{"a trail that does not log", func(f *facts.Facts) { f.Trails[0].Logging = false }, rootkeep.Fail, "without a live trail in that Region"},
		{"a trail that records no sign-in", func(f *facts.Facts) { f.Trails[0].Selectors[0].Writes = false }, rootkeep.Fail, "trail org does not record signin:ConsoleLogin"},
		{"a trail of another Region", func(f *facts.Facts) { f.Trails[0].MultiRegion, f.Trails[0].Region = false, "us-east-1" }, rootkeep.Fail, "without a live trail in that Region"},
		{"no target", func(f *facts.Facts) { f.EventRules[0].Targets = nil }, rootkeep.Fail, "it has no target"},
		{"a machine as target", func(f *facts.Facts) {
			f.EventRules[0].Targets[0].ARN = "arn:aws:lambda:us-east-1:111122223333:function:page"
		}, rootkeep.Unknown, "reaches a machine (lambda page)"},
		{"a log group as target", func(f *facts.Facts) {
			f.EventRules[0].Targets[0].ARN = "arn:aws:logs:us-east-1:111122223333:log-group:x"
		}, rootkeep.Unknown, "reaches a machine"},
		{"a machine and a topic", func(f *facts.Facts) {
			f.EventRules[0].Targets = append([]facts.Target{{ARN: "arn:aws:lambda:us-east-1:111122223333:function:page"}}, f.EventRules[0].Targets...)
		}, rootkeep.Pass, ""},
		{"another bus as target", func(f *facts.Facts) {
			f.EventRules[0].Targets[0].ARN = "arn:aws:events:us-east-1:444455556666:event-bus/default"
		}, rootkeep.Unknown, "event-bus/default"},
		{"a role that publishes", func(f *facts.Facts) { f.EventRules[0].Targets[0].Role = "arn:aws:iam::111122223333:role/r" }, rootkeep.Unknown, "what that role may do"},
		{"the policy of a new topic, which lets no rule publish", func(f *facts.Facts) { f.Topics[0].Policy = newTopicPolicy }, rootkeep.Fail, "does not allow events.amazonaws.com to publish"},
		{"a policy for alarms alone", func(f *facts.Facts) { f.Topics[0].Policy = topicPolicy("cloudwatch.amazonaws.com") }, rootkeep.Fail, "does not allow events.amazonaws.com"},
		{"a policy with a condition", func(f *facts.Facts) {
			f.Topics[0].Policy = strings.Replace(rulePolicy, `"Resource": "*"`, `"Resource": "*", "Condition": {"StringEquals": {"aws:SourceAccount": "111122223333"}}`, 1)
		}, rootkeep.Unknown, "a condition that is not decided"},
		{"a pending subscription", func(f *facts.Facts) { f.Subscriptions[0].Confirmed = false }, rootkeep.Fail, "no confirmed subscriber"},
		{"a queue as subscriber", func(f *facts.Facts) { f.Subscriptions[0].Protocol = "sqs" }, rootkeep.Unknown, "its topic reaches a machine (sqs)"},
	})
}

// passing is ruled with one rule of us-east-1 that tells, and one of eu-west-3 that passes
// all on to the bus of us-east-1.
func passing() *facts.Snapshot {
	s := ruled()
	f := &s.Facts
	bus := "arn:aws:events:us-east-1:111122223333:event-bus/default"
	f.EventRules[1].Targets = []facts.Target{{ARN: bus, Role: "arn:aws:iam::111122223333:role/pass"}}
	f.EventBuses = []facts.EventBus{{ARN: bus, Name: "default"}}
	f.Roles = []facts.Role{{ARN: "arn:aws:iam::111122223333:role/pass", Name: "pass", InlinePolicies: []facts.Document{{Name: "p",
		Text: `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "events:PutEvents", "Resource": "` + bus + `"}}`}}}}
	f.Topics, f.Subscriptions = f.Topics[:1], f.Subscriptions[:1]
	return s
}

func TestAnEventThatIsPassedOnIsFollowedOnce(t *testing.T) {
	run(t, shipped(t), passing, []mutation{
		{"whole", func(*facts.Facts) {}, rootkeep.Pass, ""},
		{"a role that may not", func(f *facts.Facts) { f.Roles[0].InlinePolicies = nil }, rootkeep.Fail, "role/pass may not put events on"},
		{"a role that was not read", func(f *facts.Facts) { f.Roles = nil }, rootkeep.Unknown, "a role that was not read"},
		{"a role with a policy that was not read", func(f *facts.Facts) {
			f.Roles[0].InlinePolicies, f.Roles[0].AttachedPolicies = nil, []string{"arn:aws:iam::aws:policy/Some"}
		}, rootkeep.Unknown, "is not decided"},
		{"a boundary that was not read", func(f *facts.Facts) { f.Roles[0].Boundary = "arn:aws:iam::111122223333:policy/b" }, rootkeep.Unknown, "is not decided"},
		{"no role", func(f *facts.Facts) { f.EventRules[1].Targets[0].Role = "" }, rootkeep.Unknown, "a role that was not read"},
		{"a rule of the second bus for its own Region", func(f *facts.Facts) {
			f.EventRules[0].Pattern = strings.Replace(f.EventRules[0].Pattern, `{`, `{"region": ["us-east-1"], `, 1)
		}, rootkeep.Fail, "where no rule takes sts:GetCallerIdentity"},
		{"a third bus", func(f *facts.Facts) {
			f.EventRules = append(f.EventRules, f.EventRules[0])
			f.EventRules[0].Targets = []facts.Target{{ARN: "arn:aws:events:us-east-1:111122223333:event-bus/third", Role: f.Roles[0].ARN}}
			f.EventRules[2].Pattern = strings.Replace(f.EventRules[2].Pattern, `{`, `{"region": ["us-east-1"], `, 1)
		}, rootkeep.Fail, "does not pass it on again"},
		{"a bus of an account that was not scanned", func(f *facts.Facts) {
			f.EventRules[1].Targets[0].ARN = "arn:aws:events:us-east-1:444455556666:event-bus/default"
		}, rootkeep.Unknown, "scan account 444455556666 too"},
	})
}

// A member's rules pass everything on to the bus of another account, which was scanned.
func TestAnEventIsFollowedToTheBusOfAnotherAccount(t *testing.T) {
	controls := shipped(t)
	const central = "arn:aws:events:us-east-1:444455556666:event-bus/default"
	for _, c := range []struct {
		name, policy string
		want         rootkeep.Status
		says         string
	}{
		{"the bus takes the organization's events", `{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "events:PutEvents", "Resource": "` + central + `",
			"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-exampleorg1"}}}}`, rootkeep.Pass, "in account 444455556666"},
		{"the bus takes another organization's events", `{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "events:PutEvents", "Resource": "` + central + `",
			"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-exampleorg2"}}}}`, rootkeep.Fail, "may not put events on"},
		{"the bus has no policy", "", rootkeep.Fail, "may not put events on"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := passing()
			s.Facts.Organization = facts.Organization{Member: true, ID: "o-exampleorg1"}
			s.Facts.Roles[0].InlinePolicies[0].Text = `{"Statement": {"Effect": "Allow", "Action": "events:PutEvents", "Resource": "*"}}`
			for i := range s.Facts.EventRules {
				s.Facts.EventRules[i].Targets = []facts.Target{{ARN: central, Role: s.Facts.Roles[0].ARN}}
			}
			s.Facts.Topics, s.Facts.Subscriptions = nil, nil
			peer := keeper(func(f *facts.Facts) {
				told := ruled().Facts.EventRules[0]
				told.ARN, told.Targets = "arn:aws:events:us-east-1:444455556666:rule/root", []facts.Target{{ARN: f.Topics[0].ARN}}
				f.EventRules, f.EventBuses, f.Topics[0].Policy = []facts.EventRule{told}, []facts.EventBus{{ARN: central, Name: "default", Policy: c.policy}}, rulePolicy
			})
			f := rootAlarmOf(t, s, controls, peer)
			if told := f.Detail + strings.Join(f.Missing, " "); f.Status != c.want || !strings.Contains(told, c.says) {
				t.Errorf("got %s: %s\nwant %s: %s", f.Status, told, c.want, c.says)
			}
		})
	}
}

func TestEveryBrokenLinkOfALogAlarmIsCaught(t *testing.T) {
	run(t, shipped(t), logged, []mutation{
		{"whole", func(*facts.Facts) {}, rootkeep.Pass, `log alarm "root" reaches a confirmed subscriber`},
		{"the log group by its ARN", func(f *facts.Facts) {
			f.LogAlarms[0].LogGroups[0] = "arn:aws:logs:us-east-1:111122223333:log-group:trail:*"
		}, rootkeep.Pass, ""},
		{"another log group", func(f *facts.Facts) { f.LogAlarms[0].LogGroups[0] = "other" }, rootkeep.Fail, "no log alarm matches"},
		{"log groups that the query names", func(f *facts.Facts) { f.LogAlarms[0].LogGroups = nil }, rootkeep.Unknown, "which log groups it asks"},
		{"another Region", func(f *facts.Facts) { f.LogAlarms[0].ARN = "arn:aws:cloudwatch:eu-west-3:111122223333:alarm:root" }, rootkeep.Fail, "no log alarm matches"},
		{"sign-ins alone", func(f *facts.Facts) { f.LogAlarms[0].Query += ` | filter eventName = "ConsoleLogin"` }, rootkeep.Fail, "does not match"},
		{"a clause too few", func(f *facts.Facts) { f.LogAlarms[0].Query = `filter userIdentity.type = "Root"` }, rootkeep.Fail, "which is another thing"},
		{"unequal to what is not there", func(f *facts.Facts) {
			f.LogAlarms[0].Query = `filter userIdentity.type = "Root" and userIdentity.invokedBy != "autoscaling.amazonaws.com"`
		}, rootkeep.Unknown, "a property that is not there"},
		{"a query that computes", func(f *facts.Facts) { f.LogAlarms[0].Query += " | stats count(*)" }, rootkeep.Unknown, "the command stats is not computed"},
		{"a trail that does not log", func(f *facts.Facts) { f.Trails[0].Logging = false }, rootkeep.Fail, "no trail of all Regions delivers there"},
		{"a trail that records no sign-in", func(f *facts.Facts) { f.Trails[0].Selectors[0].Writes = false }, rootkeep.Fail, "trail org does not record signin:ConsoleLogin"},
		{"another aggregation", func(f *facts.Facts) { f.LogAlarms[0].Aggregation = "avg(n)" }, rootkeep.Unknown, `"avg(n)"`},
		{"greater than 1", func(f *facts.Facts) { f.LogAlarms[0].Comparison = "GreaterThanThreshold" }, rootkeep.Fail, "a count of 1, which is not greater than 1"},
		{"five", func(f *facts.Facts) { f.LogAlarms[0].Threshold = 5 }, rootkeep.Fail, "not at least 5"},
		{"time that no query looks at", func(f *facts.Facts) { f.LogAlarms[0].From = 120 }, rootkeep.Fail, "60 seconds every 300"},
		{"a schedule that is none", func(f *facts.Facts) { f.LogAlarms[0].Schedule = "cron(0 * * * ? *)" }, rootkeep.Unknown, "is not computed"},
		{"two results, and one query that sees it", func(f *facts.Facts) { f.LogAlarms[0].Results, f.LogAlarms[0].ResultsToAlarm = 2, 2 }, rootkeep.Fail, "2 results have to breach"},
		{"two results, and two queries that see it", func(f *facts.Facts) {
			f.LogAlarms[0].Results, f.LogAlarms[0].ResultsToAlarm, f.LogAlarms[0].From = 2, 2, 660
		}, rootkeep.Pass, ""},
		{"nothing found breaches", func(f *facts.Facts) { f.LogAlarms[0].MissingData = "breaching" }, rootkeep.Fail, "always in ALARM"},
		{"actions off", func(f *facts.Facts) { f.LogAlarms[0].ActionsEnabled = false }, rootkeep.Fail, "switched off"},
		{"no action", func(f *facts.Facts) { f.LogAlarms[0].Actions = nil }, rootkeep.Fail, "tells nobody"},
		{"a pending subscription", func(f *facts.Facts) { f.Subscriptions[0].Confirmed = false }, rootkeep.Fail, "no confirmed subscriber"},
	})
}

func TestTheWayFromAnAlarmToItsTopicIsJudged(t *testing.T) {
	encrypted := func(f *facts.Facts) *facts.Topic {
		f.Topics[0].Key, f.Topics[0].KeyARN, f.Topics[0].KeyEnabled, f.Topics[0].KeyCustomer = "k", "arn:aws:kms:us-east-1:111122223333:key/k", true, true
		f.Topics[0].KeyPolicy = `{"Statement": {"Effect": "Allow", "Principal": {"Service": "cloudwatch.amazonaws.com"}, "Action": ["kms:Decrypt", "kms:GenerateDataKey*"], "Resource": "*"}}`
		return &f.Topics[0]
	}
	composite := func(f *facts.Facts, rule string) {
		f.CompositeAlarms = []facts.CompositeAlarm{{ARN: "arn:aws:cloudwatch:us-east-1:111122223333:alarm:any", Name: "any", Rule: rule, ActionsEnabled: true, Actions: f.Alarms[0].Actions}}
		f.Alarms[0].Actions = nil
	}
	run(t, shipped(t), monitored, []mutation{
		{"the policy of a new topic lets the account's alarms publish", func(f *facts.Facts) { f.Topics[0].Policy = newTopicPolicy }, rootkeep.Pass, ""},
		{"a condition on the alarm", func(f *facts.Facts) {
			f.Topics[0].Policy = strings.Replace(newTopicPolicy, `"AWS:SourceOwner": "111122223333"`, `"aws:SourceArn": "arn:aws:cloudwatch:us-east-1:111122223333:alarm:root"`, 1)
		}, rootkeep.Pass, ""},
		{"a condition on another account", func(f *facts.Facts) {
			f.Topics[0].Policy = strings.Replace(newTopicPolicy, "111122223333\"}}", "444455556666\"}}", 1)
		}, rootkeep.Fail, "does not allow cloudwatch.amazonaws.com to publish"},
		{"a policy that forbids", func(f *facts.Facts) {
			f.Topics[0].Policy = `{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sns:*", "Resource": "*"}, {"Effect": "Deny", "Principal": "*", "Action": "sns:Publish", "Resource": "*"}]}`
		}, rootkeep.Fail, "forbids cloudwatch.amazonaws.com"},
		{"a policy that cannot be read", func(f *facts.Facts) { f.Topics[0].Policy = "{" }, rootkeep.Unknown, "cannot be read"},
		{"a topic that nobody read", func(f *facts.Facts) { f.Topics = nil }, rootkeep.Unknown, "was not read"},
		{"a key that lets it in", func(f *facts.Facts) { encrypted(f) }, rootkeep.Pass, ""},
		{"AWS's own key", func(f *facts.Facts) { encrypted(f).KeyCustomer = false }, rootkeep.Fail, "AWS's own key"},
		{"a key that is disabled", func(f *facts.Facts) { encrypted(f).KeyEnabled = false }, rootkeep.Fail, "is not enabled"},
		{"a key that does not know CloudWatch", func(f *facts.Facts) { encrypted(f).KeyPolicy = rulePolicy }, rootkeep.Fail, "to use kms:GenerateDataKey"},
		{"a key for half of it", func(f *facts.Facts) {
			topic := encrypted(f)
			topic.KeyPolicy = strings.Replace(topic.KeyPolicy, `"kms:Decrypt", `, "", 1)
		}, rootkeep.Fail, "to use kms:Decrypt"},
		{"missing data keeps the state", func(f *facts.Facts) { f.Alarms[0].MissingData = "ignore" }, rootkeep.Fail, "tells of no second"},
		{"missing data keeps the state, and a default value resets it", func(f *facts.Facts) {
			f.Alarms[0].MissingData, f.MetricFilters[0].Transformations[0].Default = "ignore", true
		}, rootkeep.Pass, ""},
		{"a default value that breaches as well", func(f *facts.Facts) {
			f.Alarms[0].Comparison, f.Alarms[0].Threshold, f.MetricFilters[0].Transformations[0].Default = "LessThanThreshold", 1.5, true
		}, rootkeep.Unknown, "default value"},
		{"a wall-clock window sees one event too", func(f *facts.Facts) { f.Alarms[0].Window = "wall-clock" }, rootkeep.Pass, ""},
		{"an expression", func(f *facts.Facts) {
			f.Alarms[0].Namespace, f.Alarms[0].Metric, f.Alarms[0].Inputs = "", "", []string{"CIS/RootUse"}
		}, rootkeep.Unknown, "on an expression"},
		{"a composite alarm of this alarm", func(f *facts.Facts) { composite(f, `ALARM("root")`) }, rootkeep.Pass, `composite alarm "any" reaches`},
		{"a composite alarm of any of several", func(f *facts.Facts) {
			composite(f, `ALARM(keys) OR ALARM(arn:aws:cloudwatch:us-east-1:111122223333:alarm:root)`)
		}, rootkeep.Pass, ""},
		{"a composite alarm of both", func(f *facts.Facts) { composite(f, `ALARM("root") AND ALARM("keys")`) }, rootkeep.Unknown, "with other alarms is not computed"},
		{"a composite alarm of the contrary", func(f *facts.Facts) { composite(f, `NOT ALARM("root")`) }, rootkeep.Unknown, "is not computed"},
		{"a composite alarm with a suppressor", func(f *facts.Facts) {
			composite(f, `ALARM("root")`)
			f.CompositeAlarms[0].Suppressor = "maintenance"
		}, rootkeep.Unknown, "is not computed"},
		{"a composite alarm of another alarm", func(f *facts.Facts) { composite(f, `ALARM("keys")`) }, rootkeep.Fail, "tells nobody"},
	})
}

// A denied Region takes nothing from a way that was read whole, and takes the failure
// from an account where a way may be.
func TestADeniedRegionHidesNoProofAndProvesNoFailure(t *testing.T) {
	controls := shipped(t)
	for _, path := range []string{"metric_filters.pattern", "alarms.metric", "subscriptions.confirmed", "event_rules.pattern", "log_alarms.query", "event_buses.arn", "composite_alarms.rule"} {
		gap := facts.Gap{Path: path, Regions: "ap-south-1,eu-west-3", Permission: "denied:" + path, Reason: "denied"}
		s := monitored()
		s.Gaps = []facts.Gap{gap}
		if f := rootAlarm(t, s, controls); f.Status != rootkeep.Pass {
			t.Errorf("%s elsewhere: got %s %v, want pass", path, f.Status, f.Missing)
		}
		s.Facts.Alarms[0].Threshold = 2
		if f := rootAlarm(t, s, controls); f.Status != rootkeep.Unknown || !slices.Contains(f.Permissions, gap.Permission) {
			t.Errorf("%s elsewhere and a broken alarm: got %s %v, want unknown", path, f.Status, f.Missing)
		}
	}
	s := monitored()
	s.Gaps = []facts.Gap{{Path: "subscriptions.confirmed", Regions: "us-east-1", Permission: "sns:ListSubscriptions", Reason: "denied"}}
	s.Facts.Subscriptions = nil
	if f := rootAlarm(t, s, controls); f.Status != rootkeep.Unknown {
		t.Errorf("the subscriptions of its own Region: got %s %s, want unknown", f.Status, f.Detail)
	}
	s = ruled()
	s.Gaps = []facts.Gap{{Path: "event_rules.pattern", Resource: "arn:aws:events:eu-west-3:111122223333:event-bus/default", Permission: "events:ListRules", Reason: "denied"}}
	s.Facts.EventRules = s.Facts.EventRules[:1]
	if f := rootAlarm(t, s, controls); f.Status != rootkeep.Unknown || !slices.Contains(f.Permissions, "events:ListRules") {
		t.Errorf("the rules of one Region of two: got %s %s, want unknown", f.Status, f.Detail)
	}
}

// What no file told is not there for nobody: without rules a failure is not proven.
func TestARouteThatWasNotCollectedProvesNoFailure(t *testing.T) {
	controls := shipped(t)
	for _, branch := range []string{"event_rules", "log_alarms"} {
		s := monitored()
		s.Facts.Alarms[0].Threshold = 2
		s.Origins = slices.DeleteFunc(s.Origins, func(o facts.Origin) bool { return o.Path == branch })
		f := rootAlarm(t, s, controls)
		if told := strings.Join(f.Missing, " "); f.Status != rootkeep.Unknown || !strings.Contains(told, "not collected") || !strings.Contains(told, "which is not at least 2") {
			t.Errorf("%s: got %s %s, want unknown with what was read", branch, f.Status, told)
		}
	}
}
