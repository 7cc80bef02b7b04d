package watch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep/internal/app/outbox"
	"github.com/rootkeep/rootkeep/internal/app/watch/sources"
	"github.com/rootkeep/rootkeep/internal/awssim/simtest"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/alerts"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/internal/store/sight"
	"github.com/rootkeep/rootkeep/internal/store/storetest"
)

// logged is a simulated organization whose trail is told of in a queue, and whose root
// events come by another. Its server begins with the keys of a user that may do nothing but
// enter the role of sources, which has what `rootkeep role render` writes.
type logged struct {
	*simtest.Logged
	sources []sources.Config
}

func newLogged(t *testing.T) *logged {
	t.Helper()
	w := &logged{Logged: simtest.NewLogged(t)}
	files, arn := w.Queue("rootkeep-trail", nil, "s3.amazonaws.com")
	w.Must("s3", "PutBucketNotificationConfiguration", map[string]any{"Bucket": simtest.Bucket, "NotificationConfiguration": map[string]any{
		"QueueConfiguration": []any{map[string]any{"Queue": arn, "Event": []string{"s3:ObjectCreated:*"}}},
	}})
	events, arn := w.Queue("rootkeep-root-events", nil, "events.amazonaws.com")
	w.Must("events", "PutRule", map[string]any{"Name": "root", "EventPattern": `{"detail":{"userIdentity":{"type":["Root"]}}}`, "State": "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"})
	w.Must("events", "PutTargets", map[string]any{"Rule": "root", "Targets": []any{map[string]any{"Id": "queue", "Arn": arn}}})
	w.sources = []sources.Config{
		{Name: "files", Queue: &sources.Queue{URL: files, Buckets: []string{simtest.Bucket}, Receivers: 1}},
		{Name: "events", Queue: &sources.Queue{URL: events, Receivers: 1}},
		{Name: "bucket", Bucket: &sources.Bucket{Name: simtest.Bucket, Region: "us-east-1"}, Every: 1e8},
	}
	w.Must("iam", "CreateUser", map[string]any{"UserName": "server"})
	w.Must("iam", "PutUserPolicy", map[string]any{"UserName": "server", "PolicyName": "enter", "PolicyDocument": `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["sts:AssumeRole","sts:SetSourceIdentity"],"Resource":"*"}}`})
	key := w.Must("iam", "CreateAccessKey", map[string]any{"UserName": "server"})["AccessKey"].(map[string]any)
	w.role(t, w.sources)
	simtest.Environment(t, w, key["AccessKeyId"].(string), key["SecretAccessKey"].(string), "")
	return w
}

// role makes the role that these sources need.
func (w *logged) role(t *testing.T, of []sources.Config) {
	t.Helper()
	r := sources.Role(of, "")
	r.Broker = "arn:aws:iam::" + string(simtest.Management) + ":user/server"
	var text bytes.Buffer
	if err := r.Write(&text, "json"); err != nil {
		t.Fatal(err)
	}
	var made struct {
		RoleName                 string
		AssumeRolePolicyDocument json.RawMessage
		Policies                 []struct {
			PolicyName     string
			PolicyDocument json.RawMessage
		}
	}
	if err := json.Unmarshal(text.Bytes(), &made); err != nil {
		t.Fatal(err)
	}
	w.Must("iam", "CreateRole", map[string]any{"RoleName": made.RoleName, "AssumeRolePolicyDocument": string(made.AssumeRolePolicyDocument)})
	for _, p := range made.Policies {
		w.Must("iam", "PutRolePolicy", map[string]any{"RoleName": made.RoleName, "PolicyName": p.PolicyName, "PolicyDocument": string(p.PolicyDocument)})
	}
}

// until waits for something that another goroutine does.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for begun := time.Now(); !is(); <-tick.C {
		if time.Since(begun) > 3*time.Minute {
			t.Errorf("after three minutes: no %s", what)
			return
		}
	}
}

// A sign-in of root comes by EventBridge at once and once more in a file of the trail, by
// the queue and by the listing: it is one event. Each source is entered in the role that is
// written for it, which has nothing else.
func TestAnEventThatComesByThreeWaysIsKeptOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w := newLogged(t)
		o, err := outbox.Open(outbox.Settings{}, time.Now, s, nil)
		if err != nil {
			t.Fatal(err)
		}
		j := &judge{}
		watcher, err := New(Config{
			Store: s, Judge: j.judge, Detector: newDetector(t, j), Alerts: &alerts.Desk{Keeper: keeper(t), Tell: o.Alerts("")}, Outbox: o, Owner: "a", Now: time.Now, Sources: w.sources,
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- watcher.Run(ctx) }()
		defer func() {
			stop()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}()
		health := func(n int) Status { return watcher.Status()[n] }
		until(t, "answer of both queues", func() bool { return !health(0).Heard.IsZero() && !health(1).Heard.IsZero() })
		w.RootSignsIn(simtest.Management, 9)
		kept := func() (ids []string) {
			err := s.View(t.Context(), func(ctx context.Context, r *store.Reader) error {
				list, err := rootlog.Events(ctx, r, sight.All(), rootlog.EventFilter{Limit: 100})
				for _, e := range list {
					ids = append(ids, fmt.Sprintf("%s of %s from %s", e.Name, e.Account, e.Address))
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return ids
		}
		want := []string{"ConsoleLogin of 111122223333 from 198.51.100.9"}
		until(t, "event by EventBridge", func() bool { return slices.Equal(kept(), want) })
		w.DeliverNow()
		until(t, "file by the queue", func() bool { return !health(0).Last.IsZero() })
		until(t, "file by the listing", func() bool { return !health(2).Last.IsZero() })
		if diff := cmp.Diff(want, kept()); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		for n := range w.sources {
			if h := health(n); h.Fault != "" || len(h.Places) == 0 {
				t.Errorf("got %s: fault %q, places %v", h.Source, h.Fault, h.Places)
			}
		}
	})
}

func TestTheRoleOfOtherSourcesReadsNothingHere(t *testing.T) {
	w := newLogged(t)
	w.Must("iam", "DeleteRolePolicy", map[string]any{"RoleName": "RootkeepWatch", "PolicyName": "watch"})
	s, err := w.sources[0].Open(time.Now)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.Run(ctx, nil, nil) }()
	until(t, "fault", func() bool { return s.Health().Fault != "" })
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) || !strings.Contains(s.Health().Fault, "AccessDenied") {
		t.Errorf("got %v, fault %q", err, s.Health().Fault)
	}
}
