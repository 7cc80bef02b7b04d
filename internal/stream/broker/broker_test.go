package broker_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/rootkeep/rootkeep/internal/stream/broker"
	"github.com/rootkeep/rootkeep/internal/stream/broker/brokertest"
)

func TestSettings(t *testing.T) {
	file := func(text string, mode os.FileMode) string {
		t.Helper()
		path := filepath.Join(t.TempDir(), "nats")
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, c := range map[string]struct {
		config broker.Config
		want   string
	}{
		"one server":              {broker.Config{URL: "nats://broker:4222"}, ""},
		"a cluster":               {broker.Config{URL: "tls://a:4222,tls://b:4222", Replicas: 3}, ""},
		"no address":              {broker.Config{}, "an address is required"},
		"another scheme":          {broker.Config{URL: "http://broker:4222"}, "http://broker:4222: want nats://"},
		"a password":              {broker.Config{URL: "nats://me:hunter2@broker"}, "nats://me:xxxxx@broker: a name or a password does not belong"},
		"a password that is odd":  {broker.Config{URL: "nats://me:hun%zzter2@broker"}, "does not parse"},
		"a path":                  {broker.Config{URL: "nats://broker/x"}, "want nats://HOST:PORT"},
		"an even number":          {broker.Config{URL: "nats://broker", Replicas: 2}, "2 replicas: want 1, 3 or 5"},
		"credentials for all":     {broker.Config{URL: "nats://broker", Credentials: file("SUAAA", 0o644)}, "others may read it"},
		"credentials of no kind":  {broker.Config{URL: "nats://broker", Credentials: file("hunter2", 0o600)}, "want a file as nsc writes it"},
		"a seed that is none":     {broker.Config{URL: "nats://broker", Credentials: file("SUhunter2", 0o600)}, "credentials "},
		"credentials not there":   {broker.Config{URL: "nats://broker", Credentials: "/nowhere"}, "no such file"},
		"credentials as nsc does": {broker.Config{URL: "nats://broker", Credentials: file("-----BEGIN NATS USER JWT-----\nx\n", 0o600)}, ""},
	} {
		err := c.config.Check()
		if (err == nil) != (c.want == "") || err != nil && (!strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2")) {
			t.Errorf("%s: got %v, want %q and no secret", name, err, c.want)
		}
	}
}

func TestNobodyThere(t *testing.T) {
	if _, err := broker.Connect(broker.Config{URL: "nats://127.0.0.1:1"}, "test"); err == nil || !strings.Contains(err.Error(), "hint: is NATS running there") {
		t.Errorf("got %v, want what to look for", err)
	}
}

func TestAStreamIsMadeAndChanged(t *testing.T) {
	conn, err := broker.Connect(broker.Config{URL: brokertest.Server(t)}, "test")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, size := range []int64{10, 20} {
		if _, err := conn.Stream(t.Context(), jetstream.StreamConfig{Name: "A", Subjects: []string{"a.*"}, MaxMsgs: size}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := conn.Stream(t.Context(), jetstream.StreamConfig{Name: "B", Subjects: []string{"a.*"}}); err == nil || !strings.Contains(err.Error(), "make stream B: ") {
		t.Errorf("a second stream for the same subjects: got %v, want an error at once", err)
	}
	if f := conn.Fault(); f != "" {
		t.Errorf("a fault of what works: %s", f)
	}
	conn.Close()
	if f := conn.Fault(); f == "" {
		t.Error("no fault of a connection that is closed")
	}
}

func TestATryHasASecond(t *testing.T) {
	tries := 0
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	got, err := broker.Ask(ctx, "ask", func(ctx context.Context) (string, error) {
		if tries++; tries == 1 {
			<-ctx.Done() // there is no leader, so no answer
			return "", ctx.Err()
		}
		return "answer", nil
	})
	if got != "answer" || err != nil || tries != 2 {
		t.Errorf("got %q, %v after %d tries, want the answer of the second", got, err, tries)
	}
	tries = 0
	if _, err := broker.Ask(ctx, "ask", func(context.Context) (string, error) {
		tries++
		return "", jetstream.ErrStreamNotFound
	}); !errors.Is(err, jetstream.ErrStreamNotFound) || tries != 1 {
		t.Errorf("got %v after %d tries, want what does not pass at once", err, tries)
	}
	if !broker.Passing(nats.ErrNoResponders) || broker.Passing(errors.New("other")) {
		t.Error("what passes by itself is not told from what does not")
	}
}
