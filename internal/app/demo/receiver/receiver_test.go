package receiver_test

import (
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/app/demo/receiver"
	"github.com/rootkeep/rootkeep/internal/app/outbox"
	"github.com/rootkeep/rootkeep/internal/notify"
)

func TestItTakesWhatTheWaysSend(t *testing.T) {
	r, err := receiver.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	path, err := r.Ways(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	box, err := outbox.Open(outbox.Settings{Ways: path}, time.Now, nil, nil)
	if err != nil || len(box.Ways()) != 1 {
		t.Fatalf("got %d ways, %v, want one", len(box.Ways()), err)
	}
	n := notify.Notice{ID: "NO-1", Topic: "alert", Severity: rootkeep.High, Title: "A title", Text: strings.Repeat("x", 1000), At: time.Now()}
	if _, err := box.Ways()[0].Send(t.Context(), n); err != nil {
		t.Errorf("got %v, want it taken", err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := box.Ways()[0].Send(t.Context(), n); err == nil {
		t.Error("got a notice taken by a receiver that is closed")
	}
}
