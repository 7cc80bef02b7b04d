package watch

import (
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
)

// scheduledQuery is the query of a log alarm, which CloudWatch Logs runs for it.
type scheduledQuery struct {
	AggregationExpression string `aws:",must"`
	QueryString           string `aws:",must"`
	ScheduleConfiguration struct {
		ScheduleExpression string `aws:",must"`
		StartTimeOffset    int64  `aws:",must"`
		EndTimeOffset      int64
	} `aws:",must"`
	ScheduledQueryRoleARN string `aws:",must"`
	LogGroupIdentifiers   []string
	QueryARN              string
}

type logSettings struct {
	ActionLogLineCount          int
	ActionLogLineRoleArn        string
	ComparisonOperator          string          `aws:",must"`
	QueryResultsToAlarm         int             `aws:",must"`
	QueryResultsToEvaluate      int             `aws:",must"`
	ScheduledQueryConfiguration *scheduledQuery `aws:",must"`
	Threshold                   *float64        `aws:",must"`
	TreatMissingData            string
}

type logAlarm struct {
	common
	logSettings
}

type putLogIn struct {
	putIn
	logSettings
}

// putLogAlarm keeps an alarm on a scheduled query. The query is not run and not read.
func putLogAlarm(c *cloud.Call, in putLogIn) (cloud.None, error) {
	q := in.ScheduledQueryConfiguration
	switch schedule := q.ScheduleConfiguration; {
	case !slices.Contains(comparisons[:4], in.ComparisonOperator):
		return cloud.None{}, c.Invalid("Value '%s' at 'comparisonOperator' failed to satisfy constraint", in.ComparisonOperator)
	case in.QueryResultsToAlarm < 1 || in.QueryResultsToAlarm > in.QueryResultsToEvaluate || in.QueryResultsToEvaluate > 100:
		return cloud.None{}, c.Invalid("QueryResultsToAlarm must be from 1 to QueryResultsToEvaluate, which must not be more than 100")
	case !strings.HasPrefix(schedule.ScheduleExpression, "rate("):
		return cloud.None{}, c.Invalid("ScheduleExpression must be a rate expression")
	case schedule.EndTimeOffset < 0 || schedule.EndTimeOffset >= schedule.StartTimeOffset:
		return cloud.None{}, c.Invalid("EndTimeOffset must be at least 0 and less than StartTimeOffset")
	case len(q.LogGroupIdentifiers) > 50:
		return cloud.None{}, c.Invalid("LogGroupIdentifiers must not have more than 50 elements")
	}
	s := state(c)
	old, err := s.taken(c, in.AlarmName, "LogAlarm")
	if err != nil {
		return cloud.None{}, err
	}
	q.QueryARN = strings.Replace(c.ARN("scheduled-query:"+in.AlarmName), ":cloudwatch:", ":logs:", 1)
	s.logs[in.AlarmName] = &logAlarm{in.set(c, old), in.logSettings}
	s.note(c, in.AlarmName, "LogAlarm", "ConfigurationUpdate", "Alarm \""+in.AlarmName+"\" created or updated")
	return cloud.None{}, nil
}
