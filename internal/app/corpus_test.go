package app

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep"
)

const corpora = "../../../shared/corpora"

// corpus is the path of one foreign data set, or skips the test.
func corpus(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(corpora, name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("skipped: corpus %s is not there", name)
	}
	return path
}

// notDetectable are the recorded techniques that the pack leaves alone, with the reason.
var notDetectable = map[string]string{}

func TestStratusTechniquesAlert(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(corpus(t, "stratus"), "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	caught := 0
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		h, err := Hunt(context.Background(), HuntConfig{Paths: []string{file}, Pack: shipped(t), Now: time.Now, Workers: 1, MinLevel: rootkeep.Low})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range h.Problems {
			t.Errorf("%s: problem %+v", name, p)
		}
		line := "-"
		if len(h.Alerts) > 0 {
			line = fmt.Sprintf("%s: %s", h.Alerts[0].Level, h.Alerts[0].Title)
		}
		if len(h.Alerts) > 0 && h.Alerts[0].Level >= rootkeep.Medium {
			caught++
		} else if _, known := notDetectable[name]; !known {
			t.Errorf("%s: got %s, want an alert of medium or higher", name, line)
		}
		t.Logf("%-70s %3d events  %s", name, h.Totals.Events, line)
	}
	t.Logf("%d of %d techniques raise an alert of medium or higher", caught, len(files))
	if caught < len(files)-2 {
		t.Errorf("%d of %d techniques caught, want at least %d", caught, len(files), len(files)-2)
	}
}
