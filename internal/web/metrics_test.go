package web_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/internal/web/webtest"
)

// Numbers of Prometheus's library change their names with it: those that people are told of are
// there.
func TestTheDocumentedNumbersOfMemory(t *testing.T) {
	text, err := os.ReadFile("../../docs/operate.md")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`((?:go|process)_[a-z_]+bytes)`").FindAllStringSubmatch(string(text), -1)
	if len(named) < 2 {
		t.Fatalf("docs/operate.md names %d numbers of memory, want 2 at least", len(named))
	}
	s := webtest.Serve(t, webtest.Store(t), nil, guarded())
	body := s.Get("machine", "/metrics").Body
	for _, name := range named {
		if !strings.Contains(body, "\n"+name[1]+" ") {
			t.Errorf("got no %s in /metrics", name[1])
		}
	}
}
