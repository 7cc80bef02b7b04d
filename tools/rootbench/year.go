package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep/internal/access/reconcile"
)

// tally counts the verdicts that are planted.
type tally struct{ Explained, OutOfScope, Unexplained, Other int }

func (n *tally) add(verdict string) {
	switch verdict {
	case "EXPLAINED":
		n.Explained++
	case "OUT_OF_SCOPE":
		n.OutOfScope++
	case "UNEXPLAINED":
		n.Unexplained++
	default:
		n.Other++
	}
}

const (
	management = "999988887777"
	planted    = "00000000-0000-4000-8000-" // begins the IDs of events
	reads      = 20                         // calls that a console makes by itself in one session
	perFile    = 200
)

// year is what happens to the root users of many accounts.
type year struct {
	logs    map[string][]string // records by the name of their file
	file    reconcile.File      // that explains them
	number  int
	planted tally
}

// writeYear writes logs and files of requests, and says what they come to: each month a
// scan looks at each account, twice a year root signs in under a request, and once
// somebody tries who may not.
func writeYear(dir string, accounts int) (tally, error) {
	y := year{logs: map[string][]string{}}
	for i := range accounts {
		y.live(i)
	}
	for name, records := range y.logs {
		if err := writeLog(filepath.Join(dir, "logs", name), records); err != nil {
			return tally{}, err
		}
	}
	return y.planted, y.writeFiles(filepath.Join(dir, "requests"))
}

func (y *year) live(i int) {
	account := fmt.Sprintf("%012d", 100_000_000_000+i)
	for month := range 12 {
		y.scanned(account, i, time.Date(2025, time.Month(month+1), 1+i%28, i%24, i%60, 0, 0, time.UTC))
	}
	for half := range 2 {
		y.used(account, i, time.Date(2025, time.Month(3+6*half), 1+i%28, 9, i%60, 0, 0, time.UTC))
	}
	tried := time.Date(2025, 7, 1+i%28, 3, 0, 0, 0, time.UTC)
	y.record(i, tried, account, "signin", "ConsoleLogin", `{"type":"Root","accountId":"`+account+`"}`, `"errorMessage":"Failed authentication","responseElements":{"ConsoleLogin":"Failure"},`)
	y.planted.Unexplained++
}

// record adds a record to a file of its month and of a hundred accounts.
func (y *year) record(i int, at time.Time, account, source, name, identity, more string) {
	y.number++
	file := fmt.Sprintf("%02d-%04d.json.gz", at.Month(), i/100)
	y.logs[file] = append(y.logs[file], fmt.Sprintf(`{"eventVersion":"1.11","userIdentity":%s,"eventTime":%q,"eventSource":"%s.amazonaws.com","eventName":%q,"awsRegion":"us-east-1",`+
		`"sourceIPAddress":"198.51.100.7","userAgent":"console.amazonaws.com",%s"eventID":"`+planted+`%012d","eventType":"AwsApiCall","recipientAccountId":%q}`,
		identity, at.Format(time.RFC3339), source, name, more, y.number, account))
}

// scanned is a scan that opens a session of the account's root and reads with it.
func (y *year) scanned(account string, i int, at time.Time) {
	y.number++
	key, name := fmt.Sprintf("ASIASCAN%012d", y.number), fmt.Sprintf("SC-%d%02d", at.Year(), at.Month())
	y.file.Scans = append(y.file.Scans, reconcile.FileScan{Name: name, Account: account, AccessKey: key, Start: at.Format(time.RFC3339), End: at.Add(15 * time.Minute).Format(time.RFC3339)})
	y.record(i, at, management, "sts", "AssumeRoot", `{"type":"AssumedRole","accountId":"`+management+`","arn":"arn:aws:sts::`+management+`:assumed-role/scan/s","sessionContext":{"sourceIdentity":"`+name+`"}}`,
		`"requestParameters":{"targetPrincipal":"`+account+`","taskPolicyArn":{"arn":"arn:aws:iam::aws:policy/root-task/IAMAuditRootUserCredentials"}},"responseElements":{"credentials":{"accessKeyId":"`+key+`"}},`)
	calls := []string{"GetAccountSummary", "GetLoginProfile", "ListAccessKeys", "ListMFADevices", "ListSigningCertificates", "GetUser"}
	for n, call := range calls {
		y.record(i, at.Add(time.Duration(n+1)*time.Second), account, "iam", call, `{"type":"Root","accountId":"`+account+`","accessKeyId":"`+key+`","sessionContext":{"assumedRoot":"true","attributes":{"creationDate":"`+at.Format(time.RFC3339)+`"}}}`, `"readOnly":true,`)
	}
	y.planted.Explained += 1 + len(calls)
}

// used is a sign-in under a request: the console reads, root does what it came for, and
// what it did not come for.
func (y *year) used(account string, i int, at time.Time) {
	y.file.Requests = append(y.file.Requests, reconcile.FileRequest{
		ID: fmt.Sprintf("RR-%dX%d", i, at.Month()), Kind: "use", Path: "sign-in", Accounts: []string{account}, Events: []string{"signin.amazonaws.com *", "iam.amazonaws.com EnableMFADevice"},
		From: at.Format(time.RFC3339), Until: at.Add(time.Hour).Format(time.RFC3339), Session: 900, Networks: []string{"198.51.100.0/24"}, Opened: at.Format(time.RFC3339),
	})
	session := at.Add(time.Minute)
	identity := `{"type":"Root","accountId":"` + account + `","accessKeyId":"ASIACONSOLE","sessionContext":{"attributes":{"creationDate":"` + session.Format(time.RFC3339) + `"}}}`
	y.record(i, session, account, "signin", "ConsoleLogin", `{"type":"Root","accountId":"`+account+`"}`, `"responseElements":{"ConsoleLogin":"Success"},`)
	for n := range reads {
		y.record(i, session.Add(time.Duration(n+1)*time.Second), account, "ec2", "DescribeRegions", identity, `"readOnly":true,`)
	}
	y.record(i, session.Add(time.Minute), account, "iam", "EnableMFADevice", identity, `"readOnly":false,`)
	y.record(i, session.Add(2*time.Minute), account, "iam", "CreateUser", identity, `"readOnly":false,`)
	y.planted.Explained += reads + 2
	y.planted.OutOfScope++
}

func writeLog(path string, records []string) error {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.WriteString(z, `{"Records":[`+strings.Join(records, ",")+`]}`); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}

// writeFiles writes what explains the year, in files of a size that is read.
func (y *year) writeFiles(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for n := 0; len(y.file.Requests)+len(y.file.Scans) > 0; n++ {
		r, s := min(perFile, len(y.file.Requests)), min(perFile, len(y.file.Scans))
		text, err := json.Marshal(reconcile.File{Schema: reconcile.FileSchema, Requests: y.file.Requests[:r], Scans: y.file.Scans[:s]})
		if err != nil {
			return err
		}
		y.file.Requests, y.file.Scans = y.file.Requests[r:], y.file.Scans[s:]
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%05d.json", n)), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// inflated is the size of all logs below some folders, inflated.
func inflated(dirs ...string) (total int64, err error) {
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			f, err := os.Open(path)
			if err != nil {
				return err
			}
			defer f.Close()
			z, err := gzip.NewReader(f)
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			n, err := io.Copy(io.Discard, z)
			total += n
			return err
		})
		if err != nil {
			return 0, err
		}
	}
	return total, nil
}
