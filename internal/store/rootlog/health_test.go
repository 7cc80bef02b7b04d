package rootlog_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
)

var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// clocked is a store whose clock a test sets.
type clocked struct {
	*testing.T
	*store.Store
	now time.Time
}

func eachClocked(t *testing.T, test func(*clocked)) {
	storetest.EachAddress(t, func(t *testing.T, address string) {
		c := &clocked{T: t, now: noon}
		options := storetest.Options(t)
		options.Now = func() time.Time { return c.now }
		c.Store = storetest.Open(t, address, options)
		test(c)
	})
}

func (c *clocked) touch(change func(context.Context, *store.Tx) error) {
	c.Helper()
	if err := c.Touch(c.Context(), change); err != nil {
		c.Fatal(err)
	}
}

func (c *clocked) keep(process string, all ...rootlog.Health) {
	c.Helper()
	c.touch(func(ctx context.Context, tx *store.Tx) error { return rootlog.KeepHealth(ctx, tx, process, all) })
}

func (c *clocked) known() (out []rootlog.Health) {
	c.Helper()
	err := c.View(c.Context(), func(ctx context.Context, r *store.Reader) (err error) {
		out, err = rootlog.HealthOf(ctx, r)
		return err
	})
	if err != nil {
		c.Fatal(err)
	}
	return out
}

// Two processes read a queue; the first says how it stands once more when the other did.
func TestASharedSourceStandsAsAllItsProcessesSay(t *testing.T) {
	eachClocked(t, func(c *clocked) {
		at := func(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }
		place := func(region string, last int) rootlog.Place {
			return rootlog.Place{Account: "111122223333", Region: region, Last: at(last), Arrived: at(last + 1)}
		}
		a := rootlog.Health{
			Source: "q", Shared: true, Began: at(-60), Heard: at(0), Last: at(-9), Complete: at(-1), Fault: "bucket x is denied", Skipped: 1, SkippedAt: at(-30), Latest: "older", Parcels: 3,
			Places: []rootlog.Place{place("eu-west-1", -9), place("us-east-1", -50)}, Added: rootlog.Totals{Objects: 2, Unreadable: 1},
		}
		b := rootlog.Health{
			Source: "q", Shared: true, Began: at(-90), Heard: at(-1), Last: at(-2), Complete: at(-5), Behind: at(-4), Skipped: 2, SkippedAt: at(-20), Latest: "newer", Parcels: 4,
			Places: []rootlog.Place{place("eu-west-1", -12), place("us-east-1", -2)}, Added: rootlog.Totals{Objects: 5, Records: 50},
		}
		c.keep("host-a", a, rootlog.Health{Source: "other"})
		c.keep("host-b", b)
		got := c.known()
		want := rootlog.Health{
			Source: "q", Shared: true, Began: at(-90), Heard: at(0), Last: at(-2), Complete: at(-5), Behind: at(-4), Fault: "host-a: bucket x is denied", Skipped: 3, SkippedAt: at(-20), Latest: "newer", Parcels: 7,
			Places: []rootlog.Place{place("eu-west-1", -9), place("us-east-1", -2)}, Noted: noon,
			Processes: []rootlog.Process{{Name: "host-a", Noted: noon, Parcels: 3}, {Name: "host-b", Noted: noon, Parcels: 4}},
		}
		if len(got) != 2 || got[0].Source != "other" {
			c.Fatalf("got %+v, want two sources", got)
		}
		if diff := cmp.Diff(want, got[1]); diff != "" {
			c.Errorf("the queue (-want +got):\n%s", diff)
		}
		b.Fault, a.Fault = "the queue is denied", "the queue is denied"
		c.keep("host-a", a)
		c.keep("host-b", b)
		if got := c.known()[1].Fault; got != "host-a, host-b: the queue is denied" {
			c.Errorf("got fault %q of two processes", got)
		}
		err := c.View(c.Context(), func(ctx context.Context, r *store.Reader) error {
			all, err := rootlog.Holders(ctx, r)
			if got := all["q"].Totals; got != (rootlog.Totals{Objects: 14, Records: 100, Unreadable: 2}) {
				c.Errorf("got totals %+v", got)
			}
			return err
		})
		if err != nil {
			c.Fatal(err)
		}
	})
}

func TestAProcessThatIsGoneDropsOut(t *testing.T) {
	eachClocked(t, func(c *clocked) {
		shared := func(fault string) rootlog.Health {
			return rootlog.Health{Source: "q", Shared: true, Heard: c.now, Complete: c.now, Fault: fault}
		}
		c.keep("a", shared("denied"))
		c.now = c.now.Add(rootlog.ProcessGone - time.Minute)
		c.keep("b", shared(""))
		if h := c.known()[0]; h.Fault != "a: denied" || !h.Complete.Equal(noon) || len(h.Processes) != 2 {
			c.Errorf("got %+v, want the fault of the first, and no further than it", h)
		}
		c.now = c.now.Add(time.Minute)
		c.keep("b", shared(""))
		if h := c.known()[0]; h.Fault != "" || !h.Complete.Equal(c.now) || len(h.Processes) != 1 {
			c.Errorf("got %+v ten minutes after the first, want it left out", h)
		}
		c.keep("d", shared("stopping"))
		c.touch(func(ctx context.Context, tx *store.Tx) error { return rootlog.LeaveHealth(ctx, tx, "d") })
		if h := c.known()[0]; h.Fault != "" || len(h.Processes) != 1 {
			c.Errorf("got %+v after one stopped in order, want it left out at once", h)
		}
		c.touch(func(ctx context.Context, tx *store.Tx) error { return rootlog.LeaveHealth(ctx, tx, "b") })
		if list := c.known(); len(list) != 1 || list[0].Processes[0].Name != "b" {
			c.Errorf("got %+v after the last stopped, want what it said to stay: nobody reads it now", list)
		}
	})
}

func TestASourceThatIsNotSharedStandsAsItsReaderSays(t *testing.T) {
	eachClocked(t, func(c *clocked) {
		c.keep("a", rootlog.Health{Source: "f", Fault: "denied"})
		c.keep("b", rootlog.Health{Source: "f"})
		if list := c.known(); len(list) != 1 || list[0].Fault != "" || len(list[0].Processes) != 1 {
			c.Errorf("got %+v, want what the second says", list)
		}
	})
}

func TestASourceEndsAndComesBack(t *testing.T) {
	eachClocked(t, func(c *clocked) {
		c.keep("a", rootlog.Health{Source: "f", Heard: noon, Fault: "denied", Places: []rootlog.Place{{Account: "111122223333", Region: "us-east-1"}}})
		c.touch(func(ctx context.Context, tx *store.Tx) error {
			return rootlog.EndSource(ctx, tx, &rootlog.Health{Source: "f", Heard: noon, Fault: "denied"}, "gone")
		})
		h := c.known()[0]
		if h.Reason != "gone" || !h.Ended.Equal(noon) || !h.Heard.Equal(noon) || h.Fault != "" || len(h.Places) > 0 || h.Processes[0].Name != "" {
			c.Errorf("got %+v, want why and when it ended, and what it had last heard", h)
		}
		c.keep("a", rootlog.Health{Source: "f", Heard: noon})
		if h := c.known()[0]; !h.Ended.IsZero() {
			c.Errorf("got %+v of a source that is read again", h)
		}
		c.touch(func(ctx context.Context, tx *store.Tx) error { return rootlog.EndSource(ctx, tx, &h, "gone") })
		c.touch(func(ctx context.Context, tx *store.Tx) error { return rootlog.ForgetEnded(ctx, tx, noon) })
		if list := c.known(); len(list) != 0 {
			c.Errorf("got %+v, want it forgotten", list)
		}
	})
}
