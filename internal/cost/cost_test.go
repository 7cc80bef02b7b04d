package cost_test

import (
	"encoding/json"
	"math/big"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"pgregory.net/rapid"

	"github.com/rootkeep/rootkeep/content"
	"github.com/rootkeep/rootkeep/internal/cost"
	"github.com/rootkeep/rootkeep/internal/lot"
	"github.com/rootkeep/rootkeep/internal/rule"
)

func shipped(t testing.TB) *cost.Table {
	t.Helper()
	all, problems := cost.Load(rule.Source{FS: content.Files, Dir: "prices"})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	table := cost.Find(all, "aws-us-east-1")
	if table == nil {
		t.Fatal("got no table aws-us-east-1")
	}
	return table
}

func load(text string) (*cost.Table, error) {
	all, problems := cost.Load(rule.Source{FS: fstest.MapFS{"mine.yaml": {Data: []byte(text)}}, Dir: ".", Name: "prices"})
	if len(problems) > 0 {
		return nil, problems[0]
	}
	return all[0], nil
}

const whole = `id: mine
kind: prices
title: Mine
currency: USD
date: 2026-11-26
regions: [eu-west-1]
source: Nobody
meters:
  - {id: thing, service: S, title: T, unit: thing, per: 10, scope: account, tiers: [{to: 5, price: "0"}, {price: "0.3"}], confidence: recalled, source: Nobody}
cases:
  - {name: some, meter: thing, units: 15, want: "0.3"}
`

func TestTablesThatAreRefused(t *testing.T) {
	if _, err := load(whole); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, old, new, says string }{
		{"a key that does not exist", "title: Mine", "tittle: Mine", "prices/mine.yaml:3:"},
		{"another kind", "kind: prices", "kind: control", "want prices"},
		{"another name than the file's", "id: mine", "id: other", "want the same"},
		{"another currency", "USD", "EUR", "want USD"},
		{"a day that is none", "2026-11-26", "2026-13-26", "want a day"},
		{"a Region that is none", "eu-west-1", "Europe", "want a Region"},
		{"a price that is a number", `price: "0.3"`, "price: 0.3e9", "mine.yaml:9:"},
		{"a negative price", `price: "0.3"`, `price: "-0.3"`, "want dollars"},
		{"a price of too many decimals", `price: "0.3"`, `price: "0.0000000001"`, "nine decimals"},
		{"a price for nothing", "per: 10", "per: 0", "per 0"},
		{"a scope that is none", "scope: account", "scope: planet", "want account-region"},
		{"a confidence that is none", "recalled", "sure", "want confirmed"},
		{"an open tier before another", "{to: 5,", "{", "every tier but the last"},
		{"a last tier that ends", `{price: "0.3"}`, `{to: 9, price: "0.3"}`, "every tier but the last"},
		{"tiers that go back", `{price: "0.3"}`, `{to: 5, price: "1"}, {price: "0.3"}`, "not above 5"},
		{"a case that comes to something else", `want: "0.3"`, `want: "0.31"`, "come to 0.30, want 0.31"},
		{"a case of another meter", "meter: thing", "meter: other", `no meter "other"`},
		{"no case", "  - {name: some, meter: thing, units: 15, want: \"0.3\"}\n", "", "no cases"},
		{"two documents", "id: mine", "a: b\n---\nid: mine", "one YAML document"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := strings.Replace(whole, c.old, c.new, 1)
			if text == whole {
				t.Fatalf("%q is not in the table", c.old)
			}
			if _, err := load(text); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want an error with %q", err, c.says)
			}
		})
	}
}

// naive is the price of units one by one, as a fraction of dollars.
func naive(t *cost.Table, id string, units int64) *big.Rat {
	sum := new(big.Rat)
	m := t.Meter(id)
	for i := int64(1); i <= units; i++ {
		for _, tier := range m.Tiers {
			if tier.To == 0 || i <= tier.To {
				price, _ := new(big.Rat).SetString(tier.Price)
				sum.Add(sum, price.Quo(price, big.NewRat(m.Per, 1)))
				break
			}
		}
	}
	return sum
}

func TestTiersAreWhatEachUnitCosts(t *testing.T) {
	text := strings.Replace(whole, `{price: "0.3"}`, `{to: 100, price: "1.25"}, {to: 101, price: "7"}, {price: "0.3"}`, 1)
	table, err := load(strings.Replace(text, `units: 15, want: "0.3"`, `units: 0, want: "0"`, 1))
	if err != nil {
		t.Fatal(err)
	}
	lot.Check(t, func(t *rapid.T) {
		units := rapid.Int64Range(0, 300).Draw(t, "units")
		got, err := table.Meter("thing").Price(units)
		if err != nil {
			t.Fatal(err)
		}
		want := naive(table, "thing", units)
		off := new(big.Rat).Sub(want, big.NewRat(int64(got), 1_000_000_000))
		if off.Sign() < 0 || off.Cmp(big.NewRat(4, 1_000_000_000)) >= 0 { // a billionth for each tier
			t.Fatalf("%d units: got %v, want %v", units, got, want.FloatString(10))
		}
	})
}

func TestMoney(t *testing.T) {
	for text, want := range map[string]string{"0": "$0.00", "0.004": "<$0.01", "0.005": "$0.01", "1204.5": "$1,204.50", "999999.999999999": "$1,000,000.00"} {
		m, err := cost.ParseMoney(text)
		if err != nil || m.String() != want {
			t.Errorf("%s: got %v %v, want %s", text, m, err, want)
		}
	}
	for _, text := range []string{"", ".5", "1.", "01", "1e3", "+1", "-1", "1000000", "1,000", "0x1", " 1", "1 ", "\u0661"} {
		if m, err := cost.ParseMoney(text); err == nil {
			t.Errorf("%q: got %v, want an error", text, m)
		}
	}
	lot.Check(t, func(t *rapid.T) {
		m := cost.Money(rapid.Int64Range(0, 999_999_999_999_999).Draw(t, "money"))
		text, err := m.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		if back, err := cost.ParseMoney(string(text)); err != nil || back != m {
			t.Fatalf("%s: got %v %v, want %d", text, back, err, m)
		}
	})
}

func TestPricesGrowOld(t *testing.T) {
	table := shipped(t)
	day, err := time.Parse(time.DateOnly, table.Date)
	if err != nil {
		t.Fatal(err)
	}
	if table.Old(day.AddDate(0, 11, 0)) {
		t.Error("after eleven months: got old")
	}
	if !table.Old(day.AddDate(1, 0, 2)) {
		t.Error("after a year and two days: got not old")
	}
}

func TestAnEstimateIsItsLines(t *testing.T) {
	all := cost.Usual()
	all.Follow(17)
	e, err := cost.Compute(shipped(t), all, nil)
	if err != nil {
		t.Fatal(err)
	}
	var monthly, once, assumed cost.Money
	for _, l := range e.Lines {
		monthly, once = monthly+l.Monthly, once+l.Once
		if l.Basis == cost.Assumed {
			assumed += l.Monthly
		}
		if !strings.Contains(l.Formula, "("+string(l.Basis)+")") {
			t.Errorf("%s: its basis is %s, its formula %s", l.Meter, l.Basis, l.Formula)
		}
	}
	if monthly != e.Monthly || once != e.Once || assumed != e.Assumed {
		t.Errorf("got totals %v %v %v, want %v %v %v", e.Monthly, e.Once, e.Assumed, monthly, once, assumed)
	}
	for _, c := range []struct{ meter, want string }{{"config-item", "$15.30"}, {"kms-key", "$2.00"}, {"guardduty-events", "$2.00"}, {"mfa-device", "$100.00"}, {"hub-finding", "$0.00"}} {
		for _, l := range e.Lines {
			if l.Meter == c.meter && (l.Monthly+l.Once).String() != c.want {
				t.Errorf("%s: got %v, want %s", c.meter, l.Monthly+l.Once, c.want)
			}
		}
	}
}

// Two accounts pay what one pays twice, where allowances are each account's own.
func TestAllowancesAreOfEachScope(t *testing.T) {
	all := cost.Usual()
	for id, n := range map[string]int64{"account_regions": 3, "hub_findings": 10_001} {
		if err := all.Set(id, n, cost.Given, ""); err != nil {
			t.Fatal(err)
		}
	}
	e, err := cost.Compute(shipped(t), all, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range e.Lines {
		if l.Meter == "hub-finding" && l.Monthly != 3*30_000 {
			t.Errorf("one finding above the allowance in each of three: got %d billionths, want 90000", l.Monthly)
		}
	}
}

func TestTooMuchIsAnErrorAndNoNumber(t *testing.T) {
	all := cost.Usual()
	for _, id := range cost.QuantityIDs() {
		if err := all.Set(id, cost.MostOf, cost.Given, ""); err != nil {
			t.Fatal(err)
		}
	}
	if e, err := cost.Compute(shipped(t), all, nil); err == nil {
		t.Errorf("got %v, want an error", e.Monthly)
	}
	for id, n := range map[string]int64{"accounts": -1, "regions": 1, "keys": cost.MostOf + 1} {
		if err := all.Set(id, n, cost.Given, ""); err == nil {
			t.Errorf("%s %d: want an error", id, n)
		}
	}
}

func TestAnUnknownLineIsInNoTotal(t *testing.T) {
	all := cost.Usual()
	if err := all.Set("data_events", 1_000_000_000, cost.Assumed, ""); err != nil {
		t.Fatal(err)
	}
	table := shipped(t)
	with, err := cost.Compute(table, all, nil)
	if err != nil {
		t.Fatal(err)
	}
	without, err := cost.Compute(table, all, map[string]string{"cloudtrail-data": "nobody knows"})
	if err != nil {
		t.Fatal(err)
	}
	if with.Monthly-without.Monthly != 1000*1_000_000_000 || without.Unknown != 1 {
		t.Errorf("got %v and %v with %d unknown, want 1000 dollars less and one unknown", with.Monthly, without.Monthly, without.Unknown)
	}
	if _, known := without.Part("trail"); known {
		t.Error("the trail: got known")
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(whole))
	f.Add([]byte(strings.Replace(whole, "per: 10", "per: 9223372036854775807", 1)))
	f.Fuzz(func(t *testing.T, text []byte) {
		table, err := load(string(text))
		if err != nil {
			return
		}
		if _, err := json.Marshal(table); err != nil {
			t.Fatal(err)
		}
		for _, m := range table.Meters {
			if got, err := m.Price(1 << 62); err == nil && got < 0 {
				t.Fatalf("%s: got %d", m.ID, got)
			}
		}
	})
}
