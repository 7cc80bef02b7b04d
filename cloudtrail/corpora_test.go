package cloudtrail

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// corpus lists the files of a folder of ../shared/corpora, or skips the test.
func corpus(t *testing.T, folder string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "shared", "corpora", folder, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Skipf("skipped: ../shared/corpora/%s is not there", folder)
	}
	return files
}

func TestRecordedAttacksAreReadWhole(t *testing.T) {
	files := corpus(t, "stratus")
	records := 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		stats := compareFile(t, data)
		records += stats.Records
		if stats.Container != Array {
			t.Errorf("%s: got container %q, want array", file, stats.Container)
		}
	}
	if len(files) != 35 || records != 310 {
		t.Errorf("got %d records in %d files, want 310 in 35", records, len(files))
	}
}

func TestPantherLogsAreReadWhole(t *testing.T) {
	logs, times := 0, 0
	for _, file := range corpus(t, "panther") {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var rule struct {
			Tests []struct{ Log json.RawMessage }
		}
		if err := json.Unmarshal(data, &rule); err != nil {
			t.Fatal(err)
		}
		for _, c := range rule.Tests {
			stats := compareFile(t, c.Log)
			if stats.Records != 1 || stats.Container != Single && stats.Container != EventBridge {
				t.Errorf("%s: got %d records in container %q, want one record", file, stats.Records, stats.Container)
			}
			logs++
			var event map[string]any
			if err := json.Unmarshal(c.Log, &event); err != nil {
				t.Fatal(err)
			}
			when, _ := event["eventTime"].(string)
			if _, ok := ParseTime([]byte(when)); ok {
				times++
			} else if when != "" && when != "redacted" && when != "..." {
				t.Errorf("%s: eventTime %q was not understood", file, when)
			}
		}
	}
	if logs != 260 || times != 247 {
		t.Errorf("got %d logs, %d of them with a time; want 260 and 247", logs, times)
	}
}

// compareFile reads a file and holds every value of it to encoding/json.
func compareFile(t *testing.T, data []byte) Stats {
	t.Helper()
	paths := append([]string{"requestParameters", "responseElements", "resources", "resources.ARN", "requestParameters.userName", "errorMessage"}, huntFields...)
	r := newReader(t, Options{}, paths...)
	in := Input{Name: "corpus", Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }}
	stats := r.Read(t.Context(), in, func(rec *Record) error {
		if diff := cmp.Diff(naive(rec.Raw, paths), fieldValues(rec.View, len(paths))); diff != "" {
			t.Errorf("record at %d: values (-want +got)\n%s", rec.Offset, diff)
		}
		return nil
	})
	if stats.Problems != nil {
		t.Errorf("got problems %+v, want none", stats.Problems)
	}
	return stats
}
