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

// ConfigRules are the rules of AWS Config, of which a Region may have a thousand:
// what is judged of them is kept, in lists of texts.
type ConfigRules struct {
	Identifiers []string `json:"identifiers"` // of AWS's managed rules that work, each once, such as IAM_ROOT_ACCESS_KEY_CHECK
	Managed     []string `json:"managed"`     // names that the account gave to managed rules
	Own         []string `json:"own"`         // names of rules that the account wrote
}

// FailingRule is a rule whose last attempt failed, after the last that went well.
type FailingRule struct {
	Name   string    `json:"name"`
	Failed time.Time `json:"failed"`
	Error  string    `json:"error"` // code
}

// ConfigAggregator gathers what AWS Config knows of several accounts or Regions.
type ConfigAggregator struct {
	Name         string `json:"name"`
	Organization bool   `json:"organization"` // all accounts of the organization
	AllRegions   bool   `json:"all_regions"`
}
