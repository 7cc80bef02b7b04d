package intake

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/facts"
)

// rootName is the user column of the root user's row.
const rootName = "<root_account>"

func isRoot(arn string) bool { return strings.HasSuffix(arn, ":root") }

// credentialReport reads the CSV of iam get-credential-report. AWS makes it at most
// every four hours, so it may be older than the file (IAM User Guide, "Generate
// credential reports for your AWS account").
func (f *file) credentialReport(text []byte, made time.Time) error {
	if !made.IsZero() {
		f.at = made
	}
	r := csv.NewReader(bytes.NewReader(text))
	r.FieldsPerRecord = -1 // AWS adds columns
	head, err := r.Read()
	if err != nil {
		return fmt.Errorf("credential report: %w", err)
	}
	columns := map[string]int{}
	for i, name := range head {
		columns[name] = i
	}
	for _, need := range []string{"user", "arn", "password_enabled", "mfa_active", "access_key_1_active", "access_key_2_active"} {
		if _, ok := columns[need]; !ok {
			return fmt.Errorf("credential report: the column %s is missing", need)
		}
	}
	rooted := false
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("credential report: %w", err)
		}
		row := row{record: record, columns: columns}
		if row.text("user") == rootName {
			rooted = true
			f.rootRow(&row)
		} else {
			f.userRow(&row)
		}
		if row.err != nil {
			line, _ := r.FieldPos(0)
			return fmt.Errorf("credential report, line %d: %w", line, row.err)
		}
	}
	const call = "iam:GetCredentialReport"
	f.observe(call, "users.arn", "users.name", "users.created")
	f.observe(call, reportPaths...)
	if rooted {
		f.observe(call, "root.access_keys", "root.password_last_used", "root.password_last_changed", "root.mfa_enabled")
	}
	return nil
}

// reportPaths are the facts of users that only the credential report tells.
var reportPaths = []string{
	"users.has_password", "users.password_last_used", "users.password_last_changed", "users.mfa_enabled", "users.access_keys", "users.active_certificates",
}

// row is one line of the report. The first mistake stays in err.
type row struct {
	record  []string
	columns map[string]int
	err     error
}

func (r *row) text(column string) string {
	i, ok := r.columns[column]
	if !ok || i >= len(r.record) {
		return ""
	}
	return r.record[i]
}

func (r *row) yes(column string) bool {
	switch v := r.text(column); strings.ToLower(v) {
	case "true":
		return true
	case "false", "n/a", "not_supported", "no_information", "":
	default:
		r.fail(column, v, "true or false")
	}
	return false
}

// when reads a time; the words that the report has for none give zero.
func (r *row) when(column string) time.Time {
	v := r.text(column)
	switch strings.ToLower(v) {
	case "n/a", "no_information", "not_supported", "":
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, v)
	if err != nil {
		r.fail(column, v, "a time such as 2026-11-02T10:00:00+00:00")
	}
	return t.UTC()
}

func (r *row) fail(column, value, want string) {
	r.keep(fmt.Errorf("%s is %q, want %s", column, value, want))
}

func (r *row) keep(err error) {
	if r.err == nil {
		r.err = err
	}
}

// keys are the access keys of a row. One that never was made has no rotation date.
func (r *row) keys() []facts.AccessKey {
	out := []facts.AccessKey{}
	for _, slot := range []string{"access_key_1_", "access_key_2_"} {
		k := facts.AccessKey{
			Active: r.yes(slot + "active"), Created: r.when(slot + "last_rotated"), LastUsed: r.when(slot + "last_used_date"),
			LastUsedRegion: known(r.text(slot + "last_used_region")), LastUsedService: known(r.text(slot + "last_used_service")),
		}
		if k.Active || !k.Created.IsZero() {
			out = append(out, k)
		}
	}
	return out
}

func known(v string) string {
	if v == "N/A" || v == "no_information" {
		return ""
	}
	return v
}

func (f *file) rootRow(r *row) {
	r.keep(f.accountOf(r.text("arn")))
	root := &f.snapshot.Facts.Root
	root.AccessKeys = r.keys()
	root.PasswordLastUsed, root.PasswordLastChanged = r.when("password_last_used"), r.when("password_last_changed")
	// The summary is of the moment, the report up to four hours old: the summary wins.
	if o, ok := f.snapshot.Origin("root.mfa_enabled"); !ok || o.At.Before(f.at) {
		root.MFAEnabled = r.yes("mfa_active")
	}
}

func (f *file) userRow(r *row) {
	arn := r.text("arn")
	r.keep(f.accountOf(arn))
	f.intake.reported[arn] = true
	u := f.user(arn)
	u.Name, u.Created = r.text("user"), r.when("user_creation_time")
	u.HasPassword, u.MFAEnabled = r.yes("password_enabled"), r.yes("mfa_active")
	u.PasswordLastUsed, u.PasswordChanged = r.when("password_last_used"), r.when("password_last_changed")
	u.AccessKeys = r.keys()
	u.Certificates = 0
	for _, c := range []string{"cert_1_active", "cert_2_active"} {
		if r.yes(c) {
			u.Certificates++
		}
	}
}

// user finds a user by ARN or adds it.
func (f *file) user(arn string) *facts.User {
	users := &f.snapshot.Facts.Users
	i, ok := f.intake.users[arn]
	if !ok {
		i = len(*users)
		f.intake.users[arn] = i
		*users = append(*users, facts.User{ARN: arn})
	}
	return &(*users)[i]
}

// accountOf notes whose facts these are.
func (f *file) accountOf(arn string) error {
	a, err := rootkeep.ParseARN(arn)
	if err != nil {
		return err
	}
	return f.account(a.Account)
}

// account refuses facts of a second account in one snapshot.
func (f *file) account(id rootkeep.AccountID) error {
	switch f.snapshot.Account {
	case "", id:
		f.snapshot.Account = id
		return nil
	}
	return fmt.Errorf("facts of account %s, the others are of %s; hint: one account at a time", id, f.snapshot.Account)
}
