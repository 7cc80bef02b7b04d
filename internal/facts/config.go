package facts

import "time"

// Recorder is a configuration recorder that the customer manages.
type Recorder struct {
	Name          string     `json:"name"`
	Role          string     `json:"role"`           // ARN
	Strategy      string     `json:"strategy"`       // ALL_SUPPORTED_RESOURCE_TYPES, INCLUSION_BY_RESOURCE_TYPES, EXCLUSION_BY_RESOURCE_TYPES, or "" where AWS does not tell it
	AllSupported  bool       `json:"all_supported"`  // every type, but for global ones
	IncludeGlobal bool       `json:"include_global"` // those too; counts with AllSupported only
	Types         []string   `json:"types"`          // the recorded types, if not all are
	Excluded      []string   `json:"excluded"`       // the types that are left out
	Frequency     string     `json:"frequency"`      // CONTINUOUS, DAILY, or "" where AWS does not tell it
	Overrides     []Override `json:"overrides"`
}

// Override is a frequency for some resource types.
type Override struct {
	Frequency string   `json:"frequency"`
	Types     []string `json:"types"`
}

// RecorderState is what a recorder does.
type RecorderState struct {
	Name      string    `json:"name"`
	Recording bool      `json:"recording"`
	Status    string    `json:"status"` // pending, success, failure, notapplicable, in lower case
	Started   time.Time `json:"started"`
}

// Delivery is how a delivery channel fares. Each status is success, failure or
// not_applicable, in lower case, or "" before the first delivery.
type Delivery struct {
	Name     string `json:"name"`
	Snapshot string `json:"snapshot"`
	History  string `json:"history"`
	Stream   string `json:"stream"` // to an SNS topic, if there is one
	Error    string `json:"error"`  // code of the last failure
}

// ConfigRule is a rule of AWS Config.
type ConfigRule struct {
	Name       string `json:"name"`
	Owner      string `json:"owner"`      // AWS, CUSTOM_LAMBDA, CUSTOM_POLICY
	Identifier string `json:"identifier"` // of a managed rule, such as IAM_ROOT_ACCESS_KEY_CHECK
	State      string `json:"state"`      // ACTIVE, EVALUATING, DELETING, DELETING_RESULTS
}

// RuleEvaluation is when a rule last ran.
type RuleEvaluation struct {
	Rule      string    `json:"rule"`
	Succeeded time.Time `json:"succeeded"` // the later of invocation and evaluation
	Failed    time.Time `json:"failed"`    // likewise
	Error     string    `json:"error"`     // code of the last failure
}

// ConfigAggregator gathers what AWS Config knows of several accounts or Regions.
type ConfigAggregator struct {
	Name         string `json:"name"`
	Organization bool   `json:"organization"` // all accounts of the organization
	AllRegions   bool   `json:"all_regions"`
}
