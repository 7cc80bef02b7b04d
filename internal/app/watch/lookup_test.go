package watch

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/internal/access/reconcile"
	"github.com/rootkeep/rootkeep/internal/app/watch/sources"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/simtest"
	"github.com/rootkeep/rootkeep/internal/stream/live"
)

// The role of scans is entered in each account, with a source identity that its trust
// asks for, and root's sign-in there becomes an event.
func TestALookupEntersAccountsInTheRoleOfScans(t *testing.T) {
	o := simtest.Start(t, 3, nil)
	member := o.IDs()[1]
	o.SignIn(cloud.RootCaller(o.Account(member)), "us-east-1", "198.51.100.9", "browser", true, true)
	c := sources.Config{Name: "history", Lookup: &sources.Lookup{Accounts: []string{string(member)}, Regions: []string{"us-east-1"}}}
	s, err := c.Open(time.Now)
	if err != nil {
		t.Fatal(err)
	}
	intake, err := reconcile.NewIntake()
	if err != nil {
		t.Fatal(err)
	}
	fields, err := cloudtrail.CompileFields(intake.Fields())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
	defer stop()
	var got []reconcile.Event
	found := errors.New("found")
	err = s.Run(ctx, nil, func(ctx context.Context, d live.Delivery) error {
		cloudtrail.NewReader(fields, cloudtrail.Options{}).Read(ctx, d.Input, func(rec *cloudtrail.Record) error {
			if e, ok := intake.Event(rec); ok {
				got = append(got, e)
			}
			return nil
		})
		if len(got) > 0 {
			return found
		}
		return nil
	})
	if !errors.Is(err, found) {
		t.Fatalf("got %v, health %+v, want the sign-in", err, s.Health())
	}
	if e := got[0]; e.Account != member || e.Name != "ConsoleLogin" || e.Address != "198.51.100.9" {
		t.Errorf("got %+v, want the sign-in of root of %s", e.RootUse, member)
	}
}

func TestALookupWithoutARoleNamesIt(t *testing.T) {
	o := simtest.Start(t, 3, nil)
	member := string(o.IDs()[1])
	c := sources.Config{Name: "history", Lookup: &sources.Lookup{Accounts: []string{member}, Regions: []string{"us-east-1"}, Role: "NoSuchRole"}}
	s, err := c.Open(time.Now)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = s.Run(ctx, nil, func(context.Context, live.Delivery) error { return nil })
	}()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for begun := time.Now(); s.Health().Fault == "" && time.Since(begun) < 2*time.Minute; {
		<-tick.C
	}
	stop()
	<-ended
	if h := s.Health(); !strings.Contains(h.Fault, "NoSuchRole") || !strings.Contains(h.Fault, member+"/us-east-1") {
		t.Errorf("got fault %q, want the place and the role", h.Fault)
	}
}
