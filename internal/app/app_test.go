package app

import (
	"os"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/rootkeep/rootkeep/internal/detect"
)

func TestMain(m *testing.M) {
	code := m.Run()
	// After everything: no hunt may leave a goroutine behind.
	if err := goleak.Find(); code == 0 && err != nil {
		os.Stderr.WriteString("a goroutine stayed behind: " + err.Error() + "\n")
		code = 1
	}
	os.Exit(code)
}

var shippedOnce = sync.OnceValues(func() (*detect.Pack, error) { return LoadRules(RuleConfig{}) })

// shipped is the shipped pack, loaded once for all tests: that takes longer
// than most hunts.
func shipped(t testing.TB) *detect.Pack {
	t.Helper()
	pack, err := shippedOnce()
	if err != nil {
		t.Fatal(err)
	}
	return pack
}
