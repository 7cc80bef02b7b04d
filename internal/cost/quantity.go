package cost

import (
	"fmt"
	"slices"
	"strings"
)

// Basis is where a quantity comes from.
type Basis string

// The bases. The one of a line is the last of these that one of its quantities has.
const (
	Counted Basis = "counted" // in the facts of a scan
	Stack   Basis = "stack"   // how many of it the deployed stack has
	Given   Basis = "given"   // on the command line
	Assumed Basis = "assumed"
)

var bases = []Basis{Counted, Stack, Given, Assumed}

// Quantity is a number that an estimate rests on.
type Quantity struct {
	ID    string `json:"id"`
	What  string `json:"what"`
	Value int64  `json:"value"`
	Basis Basis  `json:"basis"`
	Why   string `json:"why,omitempty"` // of a number that is assumed, or counted in part
}

// Quantities are those of one estimate, each once.
type Quantities []Quantity

// MostOf bounds a quantity: more than any organization has.
const MostOf = 1_000_000_000_000

// Usual are the quantities without facts: one account, the Regions that are on in a new
// account, and what a small account does in a month.
func Usual() Quantities {
	return Quantities{
		{"accounts", "accounts", 1, Assumed, ""},
		{"account_regions", "enabled Regions of all accounts together", 17, Assumed, "17 Regions are on in a new account"},
		{"stacks", "places where trail, log group and alarms stand", 1, Stack, "an organization needs one"},
		{"trail_copies", "Regions of accounts in which a further trail records the same events", 0, Assumed, "one trail is enough"},
		{"management_events", "management events of an account in a month", 500_000, Assumed, "a small account; rootkeep hunt counts them"},
		{"data_events", "data events that trails record, of an account in a month", 0, Assumed, "the stack records none"},
		{"event_bytes", "bytes of an event in a log group", 1_500, Assumed, "usual size"},
		{"stored_bytes", "bytes of an event compressed", 200, Assumed, "usual size"},
		{"bucket_months", "months that the bucket keeps log files", 84, Stack, "the guide's seven years; the price is that of the month when it is full"},
		{"group_months", "months that the log group keeps events", 12, Stack, ""},
		{"log_files", "log and digest files of a Region of an account in a month", 9_490, Assumed, "one file in five minutes, one digest an hour: the most there can be"},
		{"queue_requests", "requests for each file in the queue", 3, Stack, "send, receive, delete"},
		{"keys", "KMS keys", 2, Stack, "for the trail, and for topics in us-east-1"},
		{"filters", "metrics of metric filters", 15, Stack, ""},
		{"alarms", "alarms", 17, Stack, ""},
		{"notices", "mails in a month", 200, Assumed, ""},
		{"config_items", "configuration items of a Region of an account in a month", 300, Assumed, "an account that changes little"},
		{"config_rules", "Config rules in all Regions of all accounts together", 20, Assumed, "the guide's four in one Region of an account, the one about buckets in every other"},
		{"rule_evaluations", "evaluations of a rule in a month", 100, Assumed, "three resources, each once a day"},
		{"hub_checks", "security checks of a Region of an account in a month", 500, Assumed, "as AWS's own examples of prices have it"},
		{"hub_findings", "findings from elsewhere of a Region of an account in a month", 1_000, Assumed, ""},
		{"s3_events", "S3 data events that GuardDuty reads, of an account in a month", 1_000_000, Assumed, ""},
		{"flow_gb", "GB of flow logs and DNS queries of an account in a month", 10, Assumed, ""},
		{"mfa_devices", "security keys to buy", 2, Assumed, "two for each root user that has credentials"},
	}
}

// QuantityIDs are the names that Set knows.
func QuantityIDs() []string {
	var out []string
	for _, q := range Usual() {
		out = append(out, q.ID)
	}
	return out
}

// Set replaces a number.
func (all Quantities) Set(id string, value int64, basis Basis, why string) error {
	q := all.find(id)
	if q == nil {
		return fmt.Errorf("quantity %q: want one of %s", id, strings.Join(QuantityIDs(), ", "))
	}
	if value < 0 || value > MostOf {
		return fmt.Errorf("%s %d: want 0 to %d", id, value, int64(MostOf))
	}
	q.Value, q.Basis, q.Why = value, basis, why
	return nil
}

func (all Quantities) find(id string) *Quantity {
	if i := slices.IndexFunc(all, func(q Quantity) bool { return q.ID == id }); i >= 0 {
		return &all[i]
	}
	return nil
}

// Follow sets what nothing told by way of other numbers: Regions by accounts, rules and
// devices by both.
func (all Quantities) Follow(regions int64) {
	accounts, inRegions := all.find("accounts"), all.find("account_regions")
	usual := Usual()
	for _, f := range []struct {
		id    string
		value func() int64
	}{
		{"account_regions", func() int64 { return accounts.Value * regions }},
		{"config_rules", func() int64 { return inRegions.Value + 3*accounts.Value }},
		{"mfa_devices", func() int64 { return 2 * accounts.Value }},
	} {
		if q := all.find(f.id); *q == *usual.find(f.id) {
			q.Value = min(f.value(), MostOf)
		}
	}
}
