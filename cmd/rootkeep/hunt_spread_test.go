package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep/internal/app/hunttest"
	"github.com/rootkeep/rootkeep/internal/stream/broker/brokertest"
)

// TestHuntThroughABucket hunts through a bucket alone and over a broker.
func TestHuntThroughABucket(t *testing.T) {
	hunttest.Upload(t, hunttest.Trail(t, 20))
	address := brokertest.Server(t)
	// Of two records with one ID the second is named, so that one reader takes them in order.
	hunt := func(want int, args ...string) string {
		t.Helper()
		var stdout, stderr bytes.Buffer
		if got := run(t.Context(), append([]string{"hunt", "--output", "json", "--workers", "1"}, args...), strings.NewReader(""), &stdout, &stderr); got != want {
			t.Errorf("hunt %v: exit code %d, want %d: %s", args, got, want, stderr.String())
		}
		return regexp.MustCompile(`"(started|finished)": "[^"]*"`).ReplaceAllString(stdout.String()+stderr.String(), "")
	}
	const bucket = "s3://" + hunttest.Bucket + "/AWSLogs"
	alone := hunt(5, bucket) // an object is damaged
	if spread := hunt(5, "--distribute", "--nats", address, bucket); spread != alone || !strings.Contains(alone, `"alerts"`) {
		t.Errorf("over a broker (-alone +spread):\n%s", cmp.Diff(strings.Split(alone, "\n"), strings.Split(spread, "\n")))
	}
	for want, args := range map[string][]string{
		"want both, or neither":        {"--distribute", bucket},
		"read buckets alone":           {"--distribute", "--nats", address, "/var/log"},
		"is not spread":                {"--distribute", "--nats", address, "--keys", "keys.json", bucket},
		"hint: aws s3 sync":            {"--keys", "keys.json", bucket},
		"hint: it takes s3:ListBucket": {"s3://no-such-bucket-here"},
	} {
		code := 1
		if want == "want both, or neither" {
			code = 64
		}
		if got := hunt(code, args...); !strings.Contains(got, want) {
			t.Errorf("hunt %v: got %s, want %q", args, got, want)
		}
	}
}
