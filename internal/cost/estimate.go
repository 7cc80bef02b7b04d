package cost

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/internal/report/text"
)

// formula is how many units of a meter a part of the stack takes in a month: the product
// of quantities, divided.
type formula struct {
	part   string
	meter  string
	of     []string // quantities
	by     string   // quantity to divide by, "" for none
	divide int64    // a number to divide by, 0 for none
	over   string   // quantity of scopes that the units are spread over, "" for one
}

const gib = 1 << 30

// formulas are the lines of every estimate, in the order of the stack's parts.
var formulas = []formula{
	{part: "trail", meter: "cloudtrail-first-copy", of: []string{"management_events", "accounts"}},
	{part: "trail", meter: "cloudtrail-copy", of: []string{"management_events", "accounts", "trail_copies"}, by: "account_regions"},
	{part: "trail", meter: "cloudtrail-data", of: []string{"data_events", "accounts"}},
	{part: "trail", meter: "s3-storage", of: []string{"management_events", "accounts", "stored_bytes", "bucket_months"}, divide: gib},
	{part: "trail", meter: "s3-put", of: []string{"account_regions", "log_files"}},
	{part: "key", meter: "kms-key", of: []string{"keys", "stacks"}},
	{part: "key", meter: "kms-request", of: []string{"account_regions", "log_files"}},
	{part: "logs", meter: "logs-ingestion", of: []string{"management_events", "accounts", "event_bytes"}, divide: gib},
	{part: "logs", meter: "logs-storage", of: []string{"management_events", "accounts", "stored_bytes", "group_months"}, divide: gib},
	{part: "alarms", meter: "metric", of: []string{"filters", "stacks"}},
	{part: "alarms", meter: "alarm", of: []string{"alarms", "stacks"}},
	{part: "notices", meter: "sns-email", of: []string{"notices"}},
	{part: "events", meter: "event-rule", of: []string{"notices"}},
	{part: "queue", meter: "sqs-request", of: []string{"account_regions", "log_files", "queue_requests"}},
	{part: "config", meter: "config-item", of: []string{"account_regions", "config_items"}},
	{part: "config", meter: "config-rule", of: []string{"config_rules", "rule_evaluations"}},
	{part: "securityhub", meter: "hub-check", of: []string{"account_regions", "hub_checks"}, over: "account_regions"},
	{part: "securityhub", meter: "hub-finding", of: []string{"account_regions", "hub_findings"}, over: "account_regions"},
	{part: "guardduty", meter: "guardduty-events", of: []string{"management_events", "accounts"}},
	{part: "guardduty", meter: "guardduty-s3", of: []string{"s3_events", "accounts"}, over: "account_regions"},
	{part: "guardduty", meter: "guardduty-flow", of: []string{"flow_gb", "accounts"}, over: "account_regions"},
	{part: "analyzer", meter: "analyzer-external", of: []string{"account_regions"}},
	{part: "devices", meter: "mfa-device", of: []string{"mfa_devices"}},
}

// Line is what one meter comes to.
type Line struct {
	Part    string `json:"part"` // of the stack, as rootkeep deploy names it; devices are of none
	Service string `json:"service"`
	Meter   string `json:"meter"`
	Title   string `json:"title"`
	Units   int64  `json:"units"`
	Unit    string `json:"unit"`
	Monthly Money  `json:"monthly"`
	Once    Money  `json:"once"`
	Basis   Basis  `json:"basis"`
	Formula string `json:"formula"`
	Note    string `json:"note,omitempty"`
	// Confidence is how sure the price is.
	Confidence string `json:"confidence"`
	// Unknown says why the units are not known; then there is no amount.
	Unknown string `json:"unknown,omitempty"`
}

// Estimate is what everything comes to.
type Estimate struct {
	Table      *Table     `json:"-"`
	Quantities Quantities `json:"quantities"`
	Lines      []Line     `json:"lines"`
	Monthly    Money      `json:"monthly"`
	Once       Money      `json:"once"`
	Unknown    int        `json:"unknown"` // lines that are in no total
	// Assumed is how much of the monthly total rests on an assumption.
	Assumed Money `json:"assumed"`
}

// ErrNoMeter is of a table that lacks a price.
var ErrNoMeter = errors.New("no such meter in the price table")

// Compute makes the estimate. unknown are lines, by meter, of which it is known that
// there is something and not how much. The error is ErrNoMeter, or of
// numbers that come to more than Money holds.
func Compute(t *Table, all Quantities, unknown map[string]string) (*Estimate, error) {
	e := &Estimate{Table: t, Quantities: all, Lines: []Line{}}
	for _, f := range formulas {
		line, once, err := f.line(t, all)
		if err != nil {
			return nil, err
		}
		if why := unknown[f.meter]; why != "" {
			line.Unknown, line.Units, line.Monthly, line.Once = why, 0, 0, 0
			e.Unknown++
		}
		if once {
			line.Once, line.Monthly = line.Monthly, 0
		}
		e.Lines = append(e.Lines, line)
		e.Monthly, err = e.Monthly.plus(line.Monthly)
		if err == nil {
			e.Once, err = e.Once.plus(line.Once)
		}
		if err != nil {
			return nil, fmt.Errorf("the total: %w", err)
		}
		if line.Basis == Assumed {
			e.Assumed += line.Monthly // at most the total
		}
	}
	return e, nil
}

// line computes one line, its amount as if it were monthly.
func (f formula) line(t *Table, all Quantities) (line Line, once bool, err error) {
	m := t.Meter(f.meter)
	if m == nil {
		return line, false, fmt.Errorf("%w: %s has no %s", ErrNoMeter, t.file, f.meter)
	}
	units, err := f.units(all)
	if err != nil {
		return line, false, fmt.Errorf("%s: %w", f.meter, err)
	}
	scopes := int64(1)
	if f.over != "" {
		scopes = max(all.find(f.over).Value, 1)
	}
	amount, err := m.spread(units, scopes)
	if err != nil {
		return line, false, err
	}
	basis, text := f.describe(all)
	return Line{
		Part: f.part, Service: m.Service, Meter: m.ID, Title: m.Title, Units: units, Unit: m.Unit, Monthly: amount, Basis: basis, Formula: text, Note: m.Note, Confidence: m.Confidence,
	}, m.Once, nil
}

// units is the product, rounded up.
func (f formula) units(all Quantities) (int64, error) {
	product, divisor := big.NewInt(1), big.NewInt(max(f.divide, 1))
	for _, id := range f.of {
		product.Mul(product, big.NewInt(all.find(id).Value))
	}
	if f.by != "" {
		divisor.Mul(divisor, big.NewInt(max(all.find(f.by).Value, 1)))
	}
	product.Add(product, divisor).Sub(product, big.NewInt(1)).Quo(product, divisor)
	if !product.IsInt64() {
		return 0, errors.New("the quantities come to more units than can be counted")
	}
	return product.Int64(), nil
}

// spread is the price of units that so many scopes have in equal parts: each has tiers of
// its own.
func (m *Meter) spread(units, scopes int64) (Money, error) {
	each, more := units/scopes, units%scopes
	low, err := m.Price(each)
	if err != nil {
		return 0, err
	}
	if more == 0 {
		return share(low, scopes, 1)
	}
	high, err := m.Price(each + 1)
	if err != nil {
		return 0, err
	}
	a, err := share(low, scopes-more, 1)
	if err != nil {
		return 0, err
	}
	b, err := share(high, more, 1)
	if err != nil {
		return 0, err
	}
	return a.plus(b)
}

// describe is the formula in words with numbers, and the weakest basis in it.
func (f formula) describe(all Quantities) (Basis, string) {
	weakest := Counted
	word := func(id string) string {
		q := all.find(id)
		if slices.Index(bases, q.Basis) > slices.Index(bases, weakest) {
			weakest = q.Basis
		}
		return fmt.Sprintf("%s %s (%s)", text.Grouped(q.Value), q.ID, q.Basis)
	}
	var parts []string
	for _, id := range f.of {
		parts = append(parts, word(id))
	}
	out := strings.Join(parts, " x ")
	if f.by != "" {
		out += " / " + word(f.by)
	}
	if f.divide == gib {
		out += " / 1 GiB"
	}
	return weakest, out
}

// Part is what the lines of a part of the stack come to in a month, and whether one of
// them is not known.
func (e *Estimate) Part(name string) (monthly Money, known bool) {
	known = true
	for _, l := range e.Lines {
		if l.Part == name {
			monthly += l.Monthly // at most the total, which was added up without overflow
			known = known && l.Unknown == ""
		}
	}
	return monthly, known
}

// Parts are the parts of the stack that lines belong to.
func Parts() []string {
	var out []string
	for _, f := range formulas {
		if !slices.Contains(out, f.part) {
			out = append(out, f.part)
		}
	}
	return out
}
