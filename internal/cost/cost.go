// Package cost tells what the guide's monitoring costs: a dated table of prices and
// quantities go in, the lines of an estimate come out, each with its formula and whether
// it was counted or assumed. It is an estimate by list prices: discounts, taxes and free
// trials are left out.
package cost

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/rootkeep/rootkeep/internal/rule"
)

// Table is a content file of prices. Its Go form is the file's schema.
type Table struct {
	ID       string   `yaml:"id" json:"id"`
	Kind     string   `yaml:"kind" json:"-"` // prices
	Title    string   `yaml:"title" json:"title"`
	Currency string   `yaml:"currency" json:"currency"` // USD
	Date     string   `yaml:"date" json:"date"`         // day on which the prices were compared with their sources
	Regions  []string `yaml:"regions" json:"regions"`   // where the prices hold
	Source   string   `yaml:"source" json:"source"`
	Guide    []Said   `yaml:"guide" json:"guide"` // what the guide says instead
	Meters   []Meter  `yaml:"meters" json:"meters"`
	Cases    []Case   `yaml:"cases" json:"-"`

	file string
	day  time.Time
}

// Meter is what AWS, or a shop, counts.
type Meter struct {
	ID      string `yaml:"id" json:"id"` // such as config-item
	Service string `yaml:"service" json:"service"`
	Title   string `yaml:"title" json:"title"`
	Unit    string `yaml:"unit" json:"unit"` // one of what is counted, such as event
	Per     int64  `yaml:"per" json:"per"`   // how many units a price is for
	Scope   Scope  `yaml:"scope" json:"scope"`
	Once    bool   `yaml:"once" json:"once,omitempty"` // not every month
	Tiers   []Tier `yaml:"tiers" json:"tiers"`
	// Confidence is confirmed, reported or recalled: see Confidences.
	Confidence string `yaml:"confidence" json:"confidence"`
	Source     string `yaml:"source" json:"source"`
	Note       string `yaml:"note" json:"note,omitempty"`
}

// Said is a price of the guide.
type Said struct {
	About string `yaml:"about" json:"about"`
	Says  string `yaml:"says" json:"says"`
	But   string `yaml:"but" json:"but,omitempty"` // what is wrong with it
}

// Scope is whose units are added up before the tiers are applied.
type Scope string

// The scopes. A payer is an organization, or an account that is in none.
const (
	PerAccountRegion Scope = "account-region"
	PerAccount       Scope = "account"
	PerRegion        Scope = "region" // all accounts of the payer
	PerPayer         Scope = "payer"
)

var scopes = []Scope{PerAccountRegion, PerAccount, PerRegion, PerPayer}

// Confidences say how sure a price is: confirmed by AWS's own pages, reported by others,
// or recalled, which is to be looked up before money hangs on it.
func Confidences() []string { return []string{"confirmed", "reported", "recalled"} }

// Tier is a price up to a number of units a month, 0 for no end. A free allowance is a
// first tier that costs nothing.
type Tier struct {
	To    int64  `yaml:"to" json:"to,omitempty"`
	Price string `yaml:"price" json:"price"` // dollars for Per units, a text: 0.1 is no binary number

	amount Money
}

// Case is a test of a table.
type Case struct {
	Name  string `yaml:"name"`
	Meter string `yaml:"meter"`
	Units int64  `yaml:"units"`
	Want  string `yaml:"want"` // dollars
}

// Load reads the *.yaml files of the folders. A file that is no table is left out and is
// an error in the list, with file and line.
func Load(sources ...rule.Source) ([]*Table, []error) {
	var out []*Table
	var problems []error
	for _, src := range sources {
		names, err := fs.Glob(src.FS, path.Join(src.Dir, "*.yaml"))
		if err != nil {
			problems = append(problems, err)
		}
		for _, name := range names {
			t, err := load(src, name)
			if err == nil {
				if other := Find(out, t.ID); other != nil {
					err = fmt.Errorf("%s: table %s is already in %s", t.file, t.ID, other.file)
				}
			}
			if err != nil {
				problems = append(problems, err)
				continue
			}
			out = append(out, t)
		}
	}
	slices.SortFunc(out, func(a, b *Table) int { return strings.Compare(a.ID, b.ID) })
	return out, problems
}

// Find is the table of an ID, nil if there is none.
func Find(all []*Table, id string) *Table {
	if i := slices.IndexFunc(all, func(t *Table) bool { return t.ID == id }); i >= 0 {
		return all[i]
	}
	return nil
}

func load(src rule.Source, name string) (*Table, error) {
	shown, body, err := rule.Document(src, name)
	if err != nil {
		return nil, err
	}
	t := &Table{file: shown}
	if err := rule.Decode(shown, body, t); err != nil {
		return nil, err
	}
	refuse := func(at ast.Node, err error) error {
		where := at.GetToken().Position
		return &rule.Error{File: shown, Line: where.Line, Column: where.Column, Msg: err.Error()}
	}
	if err := t.check(strings.TrimSuffix(path.Base(name), ".yaml"), src.Tested); err != nil {
		return nil, refuse(body, err)
	}
	meters, _ := rule.Member(body, "meters").(*ast.SequenceNode)
	for i := range t.Meters {
		err := t.Meters[i].check()
		if err == nil && slices.ContainsFunc(t.Meters[:i], func(m Meter) bool { return m.ID == t.Meters[i].ID }) {
			err = errors.New("is there twice")
		}
		if err != nil {
			at := body
			if meters != nil && i < len(meters.Values) {
				at = meters.Values[i]
			}
			return nil, refuse(at, fmt.Errorf("meter %s: %w", t.Meters[i].ID, err))
		}
	}
	for _, c := range t.Cases {
		if err := t.run(c); err != nil {
			return nil, refuse(rule.Member(body, "cases"), fmt.Errorf("case %q: %w", c.Name, err))
		}
	}
	return t, nil
}

var (
	idForm     = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	regionForm = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}$`)
)

// check looks at what the types do not say.
func (t *Table) check(fileName string, tested bool) error {
	switch {
	case t.ID != fileName:
		return fmt.Errorf("id %q in a file named %s.yaml: want the same", t.ID, fileName)
	case !idForm.MatchString(t.ID):
		return fmt.Errorf("id %q: want lower-case words and numbers joined by -", t.ID)
	case t.Kind != "prices":
		return fmt.Errorf("kind %q: want prices", t.Kind)
	case t.Currency != "USD":
		return fmt.Errorf("currency %q: want USD, which is what AWS's list prices are in", t.Currency)
	case t.Title == "" || t.Source == "":
		return errors.New("want title and source")
	case len(t.Regions) == 0 || len(t.Meters) == 0:
		return errors.New("want regions and meters")
	case !tested && len(t.Cases) == 0:
		return errors.New("no cases: at least one has to be computed")
	}
	for _, r := range t.Regions {
		if !regionForm.MatchString(r) {
			return fmt.Errorf("region %q: want a Region such as us-east-1", r)
		}
	}
	day, err := time.Parse(time.DateOnly, t.Date)
	if err != nil {
		return fmt.Errorf("date %q: want a day such as 2026-11-26", t.Date)
	}
	t.day = day
	return nil
}

func (m *Meter) check() error {
	switch {
	case !idForm.MatchString(m.ID):
		return errors.New("id: want lower-case words and numbers joined by -")
	case m.Service == "" || m.Title == "" || m.Unit == "" || m.Source == "":
		return errors.New("want service, title, unit and source")
	case m.Per < 1:
		return fmt.Errorf("per %d: want how many units a price is for", m.Per)
	case !slices.Contains(scopes, m.Scope):
		return fmt.Errorf("scope %q: want account-region, account, region or payer", m.Scope)
	case !slices.Contains(Confidences(), m.Confidence):
		return fmt.Errorf("confidence %q: want %s", m.Confidence, strings.Join(Confidences(), ", "))
	case len(m.Tiers) == 0:
		return errors.New("want tiers")
	}
	var before int64
	for i := range m.Tiers {
		tier := &m.Tiers[i]
		var err error
		if tier.amount, err = ParseMoney(tier.Price); err != nil {
			return fmt.Errorf("tier %d: %w", i+1, err)
		}
		last := i == len(m.Tiers)-1
		if last != (tier.To == 0) {
			return fmt.Errorf("tier %d: want to in every tier but the last", i+1)
		}
		if !last && tier.To <= before {
			return fmt.Errorf("tier %d: to %d is not above %d", i+1, tier.To, before)
		}
		before = tier.To
	}
	return nil
}

// run computes a case.
func (t *Table) run(c Case) error {
	m := t.Meter(c.Meter)
	if m == nil {
		return fmt.Errorf("there is no meter %q", c.Meter)
	}
	want, err := ParseMoney(c.Want)
	if err != nil {
		return err
	}
	got, err := m.Price(c.Units)
	if err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("%d units of %s come to %v, want %v", c.Units, c.Meter, dollars(got), dollars(want))
	}
	return nil
}

// dollars is the exact amount.
func dollars(m Money) string {
	text, _ := m.MarshalText() // never fails
	return string(text)
}

// Meter is the meter of an ID, nil if there is none.
func (t *Table) Meter(id string) *Meter {
	if i := slices.IndexFunc(t.Meters, func(m Meter) bool { return m.ID == id }); i >= 0 {
		return &t.Meters[i]
	}
	return nil
}

// oldAfter is how long prices are taken for today's.
const oldAfter = 365 * 24 * time.Hour

// Old says whether the prices are older than a year.
func (t *Table) Old(now time.Time) bool { return now.Sub(t.day) > oldAfter }

// Price is what so many units of one scope come to.
func (m *Meter) Price(units int64) (Money, error) {
	if units < 0 {
		return 0, fmt.Errorf("%d units of %s: want none or more", units, m.ID)
	}
	var sum Money
	var from int64
	for _, t := range m.Tiers {
		n := units - from
		if t.To > 0 {
			n = min(units, t.To) - from
		}
		if n <= 0 {
			break
		}
		part, err := share(t.amount, n, m.Per)
		if err == nil {
			sum, err = sum.plus(part)
		}
		if err != nil {
			return 0, fmt.Errorf("%d units of %s: %w", units, m.ID, err)
		}
		from = t.To
	}
	return sum, nil
}
