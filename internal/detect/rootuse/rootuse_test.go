package rootuse

import (
	"fmt"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/cloudtrail/rootevent"
)

func collector(t testing.TB) *Collector {
	t.Helper()
	sorter, err := rootevent.New(rootevent.Paths())
	if err != nil {
		t.Fatal(err)
	}
	scanned := len(rootevent.Paths())
	return newCollector(Options{}, sorter, scanned, scanned+1)
}

func observe(t testing.TB, c *Collector, records ...string) {
	t.Helper()
	fields, err := cloudtrail.CompileFields(rootevent.Paths())
	if err != nil {
		t.Fatal(err)
	}
	reader := cloudtrail.NewReader(fields, cloudtrail.Options{Derived: 2})
	for _, text := range records {
		rec, err := reader.One([]byte(text))
		if err != nil {
			continue
		}
		rec.View.Derive = func(v *rootkeep.View, field int) rootkeep.Value {
			return rootkeep.Value{Kind: rootkeep.String, Text: []byte([]string{"root of 1", "DE"}[field-len(rootevent.Paths())])}
		}
		c.Observe(rec)
	}
}

func record(n int, more string) string {
	at := time.Date(2026, 11, 1, 0, 0, n, 0, time.UTC).Format(time.RFC3339)
	return fmt.Sprintf(`{"eventTime":%q,"eventID":"%d","eventName":"ConsoleLogin","eventSource":"signin.amazonaws.com","recipientAccountId":"111122223333","userIdentity":{"type":"Root"}%s}`, at, n, more)
}

func TestWhatIsKeptIsBounded(t *testing.T) {
	c := collector(t)
	var all []string
	for n := range MaxUses + 7 {
		all = append(all, record(n, ""))
	}
	observe(t, c, all...)
	observe(t, c, all[:100]...) // again: known already
	f := c.Found()
	if len(f.Uses) != MaxUses || len(f.SignIns) != MaxSignIns || f.Omitted.Uses != 7 || f.Omitted.SignIns != 7 {
		t.Errorf("got %d uses, %d sign-ins, omitted %+v, want the bounds and 7 omitted of each", len(f.Uses), len(f.SignIns), f.Omitted)
	}
	if f.Omitted.String() == "" {
		t.Error("got no words for what was left out, want some")
	}
	if f.Uses[0].Country != "DE" || f.Uses[0].Principal != "root of 1" || !f.Uses[0].Time.Before(f.Uses[1].Time) {
		t.Errorf("got %+v first, want the earliest, with country and principal", f.Uses[0])
	}
}

func TestALargeRecordIsKeptWithoutItsText(t *testing.T) {
	c := collector(t)
	observe(t, c, record(1, `,"requestParameters":{"x":"`+fmt.Sprintf("%0*d", MaxRaw, 0)+`"}`), record(2, ""))
	f := c.Found()
	if len(f.Uses) != 2 || len(f.Uses[0].Raw) != 0 || len(f.Uses[1].Raw) == 0 {
		t.Errorf("got %d uses, want 2, the record of the second alone", len(f.Uses))
	}
}

func TestAnEventWithoutATimeIsCounted(t *testing.T) {
	c := collector(t)
	observe(t, c, `{"eventTime":"yesterday","eventName":"GetUser","userIdentity":{"type":"Root"}}`, `{"eventTime":"1970-01-01T00:00:00Z","eventName":"GetUser","userIdentity":{"type":"Root"}}`)
	if f := c.Found(); len(f.Uses) != 0 || f.Omitted.Untimed != 2 {
		t.Errorf("got %d uses, omitted %+v, want both untimed", len(f.Uses), f.Omitted)
	}
}

// FuzzObserve wants no record to harm: what is kept fits its bounds.
func FuzzObserve(f *testing.F) {
	f.Add(record(1, ""))
	f.Add(`{"eventTime":"2026-11-01T00:00:00Z","eventName":"AssumeRoot","eventSource":"sts.amazonaws.com","requestParameters":{"targetPrincipal":"111122223333"}}`)
	f.Add(`{"eventTime":"2026-11-01T00:00:00Z","userIdentity":{"type":"Root","accessKeyId":"AKIAX","invokedBy":"x"},"userIdentity":{"type":"Root"}}`)
	f.Fuzz(func(t *testing.T, text string) {
		c := collector(t)
		observe(t, c, text, text)
		found := c.Found()
		if len(found.Uses) > 1 || len(found.SignIns) > 1 {
			t.Fatalf("got %d uses and %d sign-ins of one record, want one of each at most", len(found.Uses), len(found.SignIns))
		}
		for _, u := range found.Uses {
			if u.Kind == "" || len(u.Name) > 2000 || len(u.Raw) > MaxRaw {
				t.Fatalf("got %+v, want a kind and bounded texts", u)
			}
		}
	})
}
