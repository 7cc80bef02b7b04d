package main

import (
	"bytes"
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/internal/stream/broker"
	"github.com/rootkeep/rootkeep/internal/stream/broker/brokertest"
	"github.com/rootkeep/rootkeep/internal/stream/flow"
)

// TestFlow looks at a flow with what waits and what nobody could handle.
func TestFlow(t *testing.T) {
	address := brokertest.Server(t)
	conn, err := broker.Connect(broker.Config{URL: address}, "test")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	f, err := flow.Open(t.Context(), conn, flow.Config{})
	if err != nil {
		t.Fatal(err)
	}
	rootkeep := func(want int, args ...string) string {
		t.Helper()
		var out bytes.Buffer
		if got := run(t.Context(), append([]string{"flow"}, args...), strings.NewReader(""), &out, &out); got != want {
			t.Errorf("flow %v: exit code %d, want %d: %s", args, got, want, out.String())
		}
		return out.String()
	}
	wants := func(text string, parts ...string) {
		t.Helper()
		for _, p := range parts {
			if !regexp.MustCompile(p).MatchString(text) {
				t.Errorf("got %q, want %q in it", text, p)
			}
		}
	}
	wants(rootkeep(0, "show", "--nats", address), "^0 messages wait in 0 partitions\n0 messages were put aside\n$")
	if err := f.Publish(t.Context(), []flow.Message{{Partition: 3, ID: "e-1"}, {Partition: 63, ID: "bad\x1b[2J", Data: []byte("x")}}); err != nil {
		t.Fatal(err)
	}
	wants(rootkeep(0, "show", "--nats", address), "^2 messages wait in 2 partitions, the oldest since 20")
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		done <- f.Consume(ctx, 63, func(_ context.Context, batch []flow.Message) error {
			return &flow.Poison{IDs: []string{batch[0].ID}, Err: errors.New("no record")}
		})
	}()
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if w, err := f.Waiting(t.Context()); err != nil || time.Now().After(end) {
			t.Fatalf("nothing was put aside: %v", err)
		} else if w.Poison == 1 {
			break
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	text := rootkeep(0, "show", "--nats", address)
	wants(text, "1 messages were put aside\n1 +20.* +partition 63 +bad.* 1 bytes +no record\n$")
	if strings.Contains(text, "\x1b") {
		t.Errorf("%q reaches the terminal", text)
	}
	wants(rootkeep(0, "show", "--nats", address, "--output", "json"), `"schema": "rootkeep/flow/1"`, `"partition": 63`, `"reason": "no record"`)
	wants(rootkeep(0, "give-back", "1", "--nats", address), "message 1 is given back")
	wants(rootkeep(0, "show", "--nats", address), "^2 messages wait in 2 partitions", "0 messages were put aside")
	wants(rootkeep(1, "drop", "1", "--nats", address), "no message with that number is put aside; hint: rootkeep flow show")
	wants(rootkeep(64, "drop", "one", "--nats", address), "want the number of a message")
	wants(rootkeep(64, "show"), "no broker is named; hint: --nats")
	wants(rootkeep(1, "show", "--nats", "nats://127.0.0.1:1"), "hint: is NATS running there")
	wants(rootkeep(64, "show", "--nats", "http://127.0.0.1:1"), "want nats://HOST:PORT")
}
