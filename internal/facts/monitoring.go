package facts

// MetricFilter is a metric filter of CloudWatch Logs.
type MetricFilter struct {
	Region          string           `json:"region" call:"logs:DescribeMetricFilters"` // "" where the source does not tell it
	Name            string           `json:"name" call:"logs:DescribeMetricFilters"`
	LogGroup        string           `json:"log_group" call:"logs:DescribeMetricFilters"` // name
	Pattern         string           `json:"pattern" call:"logs:DescribeMetricFilters"`
	Transformations []Transformation `json:"transformations" call:"logs:DescribeMetricFilters"`
}

// Transformation is what a metric filter publishes for an event that matches.
type Transformation struct {
	Namespace string `json:"namespace"`
	Metric    string `json:"metric"`
	Value     string `json:"value"`   // a number, or a property such as $.size
	Default   bool   `json:"default"` // publishes a default value for events that do not match
}

// Alarm is a CloudWatch metric alarm.
type Alarm struct {
	ARN               string   `json:"arn" call:"cloudwatch:DescribeAlarms"`
	Name              string   `json:"name" call:"cloudwatch:DescribeAlarms"`
	Namespace         string   `json:"namespace" call:"cloudwatch:DescribeAlarms"` // "" for an alarm on an expression
	Metric            string   `json:"metric" call:"cloudwatch:DescribeAlarms"`
	Statistic         string   `json:"statistic" call:"cloudwatch:DescribeAlarms"`
	Dimensions        int      `json:"dimensions" call:"cloudwatch:DescribeAlarms"` // how many the metric has to have
	Period            int      `json:"period" call:"cloudwatch:DescribeAlarms"`     // seconds
	EvaluationPeriods int      `json:"evaluation_periods" call:"cloudwatch:DescribeAlarms"`
	DatapointsToAlarm int      `json:"datapoints_to_alarm" call:"cloudwatch:DescribeAlarms"` // 0: all evaluation periods
	Threshold         float64  `json:"threshold" call:"cloudwatch:DescribeAlarms"`
	Comparison        string   `json:"comparison" call:"cloudwatch:DescribeAlarms"`
	MissingData       string   `json:"missing_data" call:"cloudwatch:DescribeAlarms"` // "": missing
	ActionsEnabled    bool     `json:"actions_enabled" call:"cloudwatch:DescribeAlarms"`
	Actions           []string `json:"actions" call:"cloudwatch:DescribeAlarms"` // ARNs
	// Window is how the periods lie: sliding, or wall-clock for ones that begin at full
	// minutes and hours.
	Window string `json:"window" call:"cloudwatch:DescribeAlarms"`
	// Inputs are the metrics, as namespace/name, of an alarm on an expression.
	Inputs []string `json:"inputs" call:"cloudwatch:DescribeAlarms"`
}

// Subscription is a subscription of an SNS topic. The endpoint is left out: it is
// somebody's address.
type Subscription struct {
	Topic     string `json:"topic" call:"sns:ListSubscriptions"` // ARN
	Protocol  string `json:"protocol" call:"sns:ListSubscriptions"`
	Confirmed bool   `json:"confirmed" call:"sns:ListSubscriptions"`
}
