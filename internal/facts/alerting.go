package facts

// CompositeAlarm is a CloudWatch alarm on the states of other alarms.
type CompositeAlarm struct {
	ARN            string   `json:"arn" call:"cloudwatch:DescribeAlarms"`
	Name           string   `json:"name" call:"cloudwatch:DescribeAlarms"`
	Rule           string   `json:"rule" call:"cloudwatch:DescribeAlarms"`       // such as ALARM("root") OR ALARM("keys")
	Suppressor     string   `json:"suppressor" call:"cloudwatch:DescribeAlarms"` // alarm that holds its actions back, "" for none
	ActionsEnabled bool     `json:"actions_enabled" call:"cloudwatch:DescribeAlarms"`
	Actions        []string `json:"actions" call:"cloudwatch:DescribeAlarms"` // ARNs
}

// LogAlarm is a CloudWatch alarm on a query of CloudWatch Logs that runs by a schedule.
type LogAlarm struct {
	ARN            string   `json:"arn" call:"cloudwatch:DescribeAlarms"`
	Name           string   `json:"name" call:"cloudwatch:DescribeAlarms"`
	Query          string   `json:"query" call:"cloudwatch:DescribeAlarms"`
	Aggregation    string   `json:"aggregation" call:"cloudwatch:DescribeAlarms"` // what the threshold is compared with, such as count(*)
	LogGroups      []string `json:"log_groups" call:"cloudwatch:DescribeAlarms"`  // names or ARNs
	Schedule       string   `json:"schedule" call:"cloudwatch:DescribeAlarms"`    // such as rate(5 minutes)
	From           int      `json:"from" call:"cloudwatch:DescribeAlarms"`        // seconds before it runs where the time begins that a query looks at
	To             int      `json:"to" call:"cloudwatch:DescribeAlarms"`          // seconds before it runs where that time ends
	Results        int      `json:"results" call:"cloudwatch:DescribeAlarms"`     // of so many results
	ResultsToAlarm int      `json:"results_to_alarm" call:"cloudwatch:DescribeAlarms"`
	Threshold      float64  `json:"threshold" call:"cloudwatch:DescribeAlarms"`
	Comparison     string   `json:"comparison" call:"cloudwatch:DescribeAlarms"`
	MissingData    string   `json:"missing_data" call:"cloudwatch:DescribeAlarms"` // "": missing
	ActionsEnabled bool     `json:"actions_enabled" call:"cloudwatch:DescribeAlarms"`
	Actions        []string `json:"actions" call:"cloudwatch:DescribeAlarms"` // ARNs
}

// EventBus is an event bus of EventBridge.
type EventBus struct {
	ARN    string `json:"arn" call:"events:ListEventBuses"`
	Name   string `json:"name" call:"events:ListEventBuses"`
	Policy string `json:"policy" call:"events:ListEventBuses"` // "" for none: its own account alone uses it
}

// EventRule is a rule of an event bus, one whose pattern could take what CloudTrail
// delivers. Rules that run by a schedule are left out.
type EventRule struct {
	ARN     string   `json:"arn" call:"events:ListRules"`
	Name    string   `json:"name" call:"events:ListRules"`
	Bus     string   `json:"bus" call:"events:ListRules"` // name
	Pattern string   `json:"pattern" call:"events:ListRules"`
	State   string   `json:"state" call:"events:ListRules"` // DISABLED, ENABLED, or ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS
	Targets []Target `json:"targets" call:"events:ListTargetsByRule"`
}

// Target is where a rule sends what it takes.
type Target struct {
	ARN  string `json:"arn"`
	Role string `json:"role"` // ARN of the role that sends, "" for EventBridge itself
}

// Topic is an SNS topic that an alarm or a rule sends to, of this account or another.
type Topic struct {
	ARN         string `json:"arn" call:"cloudwatch:DescribeAlarms"`
	Policy      string `json:"policy" call:"sns:GetTopicAttributes"`
	Key         string `json:"key" call:"sns:GetTopicAttributes"`           // KMS key or alias, "" for none
	KeyARN      string `json:"key_arn" call:"kms:DescribeKey"`              // "" without a key
	KeyEnabled  bool   `json:"key_enabled" call:"kms:DescribeKey"`          // false without a key
	KeyCustomer bool   `json:"key_customer_managed" call:"kms:DescribeKey"` // not AWS's own key, whose policy cannot be changed
	KeyPolicy   string `json:"key_policy" call:"kms:GetKeyPolicy"`
}
