package share_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/app/share"
	"github.com/rootkeep/rootkeep/internal/stream/broker/brokertest"
	"github.com/rootkeep/rootkeep/internal/stream/flow"
)

// look asks until what it sees is as it should be.
func look(t *testing.T, ask func(context.Context) (*client.Flow, error), what string, is func(*client.Flow) bool) *client.Flow {
	t.Helper()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for end := time.Now().Add(2 * time.Minute); ; <-again.C {
		got, err := ask(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if is(got) {
			return got
		}
		if time.Now().After(end) {
			t.Fatalf("%s: got %+v", what, got)
		}
	}
}

// answered says that the broker did in time.
func answered(f *client.Flow) bool { return f.Fault == "" }

// What waits, is in flight and was put aside in a real broker, as the console and the command
// line see it.
func TestALookAtTheFlow(t *testing.T) {
	s := share.Settings{URL: brokertest.Server(t), Replicas: "1"}
	empty := look(t, s.Look, "a broker without streams", answered)
	if diff := cmp.Diff(&client.Flow{Waiting: []client.FlowPart{}, List: []client.FlowAside{}}, empty); diff != "" {
		t.Errorf("an empty flow (-want +got):\n%s", diff)
	}
	f, closeFlow, err := s.OpenFlow(t.Context(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer closeFlow()
	messages := []flow.Message{{Partition: 3, ID: "poison", Data: []byte("x")}}
	for i := range 5 {
		messages = append(messages, flow.Message{Partition: 7, ID: fmt.Sprint(i), Data: []byte("x")})
	}
	for i := range messages { // together they would be a bundle
		if err := f.Publish(t.Context(), messages[i:i+1]); err != nil {
			t.Fatal(err)
		}
	}
	got := look(t, s.Look, "what waits", answered)
	if diff := cmp.Diff([]client.FlowPart{{Partition: 3, Messages: 1}, {Partition: 7, Messages: 5}}, got.Waiting); diff != "" || got.Oldest.IsZero() || got.InFlight != 0 || got.Aside != 0 {
		t.Errorf("got %+v, what waits (-want +got):\n%s", got, diff)
	}

	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	defer all.Wait()
	defer stop()
	all.Go(func() {
		_ = f.Consume(ctx, 3, func(_ context.Context, batch []flow.Message) error {
			return &flow.Poison{IDs: []string{batch[0].ID}, Err: errors.New("no record")}
		})
	})
	all.Go(func() { // it never comes to an end
		_ = f.Consume(ctx, 7, func(ctx context.Context, _ []flow.Message) error {
			<-ctx.Done()
			return ctx.Err()
		})
	})
	// The broker removes what was acknowledged a moment later than it counts it as put aside.
	got = look(t, s.Look, "one aside and five in flight", func(f *client.Flow) bool {
		return answered(f) && f.Aside == 1 && f.InFlight == 5 && len(f.Waiting) == 1
	})
	if len(got.List) != 1 || got.List[0].Partition != 3 || got.List[0].Reason != "no record" || got.List[0].Since.IsZero() || got.List[0].Number == 0 {
		t.Errorf("got %+v put aside, want the message with its reason", got.List)
	}
	if diff := cmp.Diff([]client.FlowPart{{Partition: 7, Messages: 5}}, got.Waiting); diff != "" {
		t.Errorf("what waits (-want +got):\n%s", diff)
	}
	if count := look(t, s.Count, "the numbers", answered); count.Aside != 1 || len(count.List) != 0 || count.InFlight != 5 {
		t.Errorf("got %+v of the numbers alone", count)
	}
	stop() // the messages are given back, and another process has them a second time
	all.Wait()
	ctx, stop = context.WithCancel(t.Context())
	defer stop()
	all.Go(func() {
		_ = f.Consume(ctx, 7, func(ctx context.Context, _ []flow.Message) error {
			<-ctx.Done()
			return ctx.Err()
		})
	})
	look(t, s.Look, "five that were delivered again", func(f *client.Flow) bool { return answered(f) && f.Redelivered == 5 && f.InFlight == 5 })
}

func TestALookAtABrokerThatIsNotThere(t *testing.T) {
	if got, err := (share.Settings{}).Look(t.Context()); got != nil || err != nil {
		t.Errorf("without a broker: got %+v, %v, want nothing", got, err)
	}
	if _, err := (share.Settings{CA: "x"}).Look(t.Context()); err == nil {
		t.Error("got settings that cannot be, want them refused")
	}
	url, stop, err := brokertest.Serve(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	stop()
	got, err := share.Settings{URL: url, Replicas: "1"}.Look(t.Context())
	if err != nil || got == nil || got.Fault == "" || got.List == nil || got.Waiting == nil {
		t.Errorf("got %+v, %v of a broker that does not answer, want that as its fault", got, err)
	}
	if got != nil && strings.Contains(got.Fault, "\n") {
		t.Errorf("got a fault of several lines: %q", got.Fault)
	}
}
