package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

const eachFile = 1000 // events

// principals has a call be refused to each of many principals, of which detections remember
// each, and looks at the memory of the process.
func principals(ctx context.Context, o options, stderr io.Writer) (string, error) {
	s, logs, err := watching(o, "principals")
	if err != nil {
		return "", err
	}
	if err := s.start(allRoles); err != nil {
		return "", errors.Join(err, s.stop())
	}
	begun := time.Now()
	for n := 0; n < o.principals; n += eachFile {
		data, err := refusals(n, min(eachFile, o.principals-n))
		if err == nil {
			err = put(logs, fmt.Sprintf("%08d.json.gz", n), data)
		}
		if err != nil {
			return "", errors.Join(err, s.stop())
		}
	}
	err = put(logs, "zz-last.json", probe(lastOne, time.Now()))
	var at time.Time
	if err == nil {
		at, err = s.receiver.of(ctx, lastOne, atMost)
	}
	if err := errors.Join(err, s.stop()); err != nil {
		return "", err
	}
	kept, err := os.Stat(filepath.Join(s.dir, "rootkeep.db"))
	if err != nil {
		return "", err
	}
	fmt.Fprintf(stderr, "principals: %d in %s\n", o.principals, at.Sub(begun).Round(time.Millisecond))
	return "| distinct principals | wall time | CPU time of rootkeep | memory, at most | store |\n|---:|---:|---:|---:|---:|\n" +
		fmt.Sprintf("| %d | %.1f s | %.1f s | %.0f MB | %.0f MB |\n", o.principals, at.Sub(begun).Seconds(), s.seconds, float64(s.memory)/1e6, float64(kept.Size())/1e6), nil
}

// refusals is a log file of one refused call of each of some principals.
func refusals(first, n int) ([]byte, error) {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	now := time.Now().UTC().Format(time.RFC3339)
	io.WriteString(w, `{"Records":[`) // of a buffer there is no error
	for i := first; i < first+n; i++ {
		if i > first {
			io.WriteString(w, ",")
		}
		fmt.Fprintf(w, `{"eventVersion":"1.11","eventID":"%08x-0000-4000-8000-000000000000","eventTime":%q,"eventSource":"iam.amazonaws.com","eventName":"ListUsers","eventType":"AwsApiCall",`+
			`"awsRegion":"us-east-1","sourceIPAddress":"198.51.100.9","userAgent":"aws-cli/2.17","errorCode":"AccessDenied","errorMessage":"not authorized","readOnly":true,"recipientAccountId":%q,`+
			`"userIdentity":{"type":"IAMUser","principalId":"AIDA%016d","arn":"arn:aws:iam::%[3]s:user/person-%[4]d","accountId":%[3]q,"userName":"person-%[4]d","accessKeyId":"AKIA%016[4]d"}}`,
			i, now, home, i)
	}
	io.WriteString(w, "]}")
	err := w.Close()
	return out.Bytes(), err
}
