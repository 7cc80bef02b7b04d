package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	probeEvery = 200 * time.Millisecond
	probeWaits = time.Minute // for the notice of one
	allRoles   = "watch,jobs,web"
)

// Targets of the way from the object to the notice.
const (
	halfTarget = time.Second
	mostTarget = 3 * time.Second
)

// latency times the way from the creation of an object to the notice.
func latency(ctx context.Context, o options, stderr io.Writer) (string, error) {
	var b strings.Builder
	b.WriteString("| source | objects | half under | 99 % under | longest | target |\n|---|---:|---:|---:|---:|---|\n")
	for _, of := range []struct {
		name    string
		measure func(context.Context, options) (waits, error)
	}{{"queue of S3's notifications", queueLatency}, {"folder", folderLatency}} {
		w, err := of.measure(ctx, o)
		if err != nil {
			return "", fmt.Errorf("%s: %w", of.name, err)
		}
		fmt.Fprintf(stderr, "latency, %s: %s, %s\n", of.name, w.part(500), w.part(990))
		fmt.Fprintf(&b, "| %s | %d | %d ms | %d ms | %d ms | %d ms, %d ms |\n", of.name, len(w), w.part(500).Milliseconds(), w.part(990).Milliseconds(), w.part(1000).Milliseconds(), halfTarget.Milliseconds(), mostTarget.Milliseconds())
	}
	return b.String(), nil
}

func queueLatency(ctx context.Context, o options) (w waits, err error) {
	aws, err := startAWS()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, aws.stop()) }()
	s, err := newServer(o, "latency-queue", "", fmt.Sprintf("sources: [{name: trail, queue: {url: %q, buckets: [%s]}}]\n", aws.Queue, bucket), "")
	if err != nil {
		return nil, err
	}
	s.env = aws.env()
	return s.timed(ctx, o.probes, func(n int, data []byte) error {
		now := time.Now().UTC()
		return aws.put(ctx, fmt.Sprintf("AWSLogs/%s/CloudTrail/us-east-1/%s/%s_CloudTrail_us-east-1_%s_%016d.json", home, now.Format("2006/01/02"), home, now.Format("20060102T1504Z"), n), data)
	})
}

func folderLatency(ctx context.Context, o options) (waits, error) {
	s, logs, err := watching(o, "latency-folder")
	if err != nil {
		return nil, err
	}
	return s.timed(ctx, o.probes, func(n int, data []byte) error { return put(logs, fmt.Sprintf("%06d.json", n), data) })
}

// watching is a server that watches a folder with nothing in it yet.
func watching(o options, name string) (s *server, logs string, err error) {
	if logs, err = emptied(o, name+"-logs"); err != nil {
		return nil, "", err
	}
	s, err = newServer(o, name, "", fmt.Sprintf("sources: [{name: trail, folder: %q}]\n", logs), "")
	return s, logs, err
}

// emptied is a folder with nothing in it.
func emptied(o options, name string) (string, error) {
	path, err := filepath.Abs(filepath.Join(o.dir, name))
	if err != nil {
		return "", err
	}
	return path, errors.Join(os.RemoveAll(path), os.MkdirAll(path, 0o700))
}

// timed puts objects one after the other, and gives how long each took until its notice.
func (s *server) timed(ctx context.Context, probes int, put func(n int, data []byte) error) (w waits, err error) {
	defer func() { err = errors.Join(err, s.stop()) }()
	if err := s.start(allRoles); err != nil {
		return nil, err
	}
	account := func(n int) string { return fmt.Sprintf("%012d", 500000000000+n) }
	if err := put(0, probe(account(0), time.Now())); err != nil { // the first waits for the start as well
		return nil, err
	}
	if _, err := s.receiver.of(ctx, account(0), probeWaits); err != nil {
		return nil, err
	}
	made := map[int]time.Time{}
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	for n := 1; n <= probes; n++ {
		<-tick.C
		made[n] = time.Now()
		if err := put(n, probe(account(n), made[n])); err != nil {
			return nil, err
		}
	}
	for n := 1; n <= probes; n++ {
		at, err := s.receiver.of(ctx, account(n), probeWaits)
		if err != nil {
			return nil, err
		}
		w = append(w, at.Sub(made[n]))
	}
	return w, nil
}
