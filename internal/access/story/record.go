package story

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/internal/access/reconcile"
)

var errPeriod = errors.New("it is not as rootkeep writes it; hint: use the version of rootkeep that wrote it")

// Records reads events of root users out of records of CloudTrail. It is good for one
// goroutine.
type Records struct {
	intake *reconcile.Intake
	reader *cloudtrail.Reader
}

// NewRecords makes a reader of records.
func NewRecords() (*Records, error) {
	in, err := reconcile.NewIntake()
	if err != nil {
		return nil, err
	}
	fields, err := cloudtrail.CompileFields(in.Fields())
	if err != nil {
		return nil, err
	}
	return &Records{in, cloudtrail.NewReader(fields, cloudtrail.Options{})}, nil
}

// Each gives the events of an object, with their records unless these are large. The error
// is of one that cannot be read whole.
func (r *Records) Each(ctx context.Context, in cloudtrail.Input, take func(*reconcile.Event)) error {
	stats := r.reader.Read(ctx, in, func(rec *cloudtrail.Record) error {
		if e, ok := r.intake.Event(rec); ok {
			take(&e)
		}
		return nil
	})
	if stats.Err == nil && len(stats.Problems)+stats.ProblemsOmitted > 0 {
		return errors.New("some of it is no record")
	}
	return stats.Err
}

// Tells says why a record does not tell the event of a verdict, or nil.
func (r *Records) Tells(ctx context.Context, raw []byte, v *Verdict) error {
	found := 0
	told := false
	text := bytes.Join([][]byte{[]byte(`{"Records":[`), raw, []byte(`]}`)}, nil)
	err := r.Each(ctx, cloudtrail.Input{Name: v.Key, Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil }}, func(e *reconcile.Event) {
		found++
		told = Same(&v.Event.Event, e)
	})
	switch {
	case err != nil:
		return err
	case found != 1:
		return fmt.Errorf("it tells of %d events of root users, want one", found)
	case !told:
		return fmt.Errorf("it tells of another event than the verdict %s", v.Key)
	}
	return nil
}

// Same says whether the event of a verdict, whose texts the ledger may have cut, is the
// event that a record tells. Where an address lies is nothing that a record tells.
func Same(told, record *reconcile.Event) bool {
	if !told.Time.Equal(record.Time) || !told.Created.Equal(record.Created) || told.Failed != record.Failed || told.ReadOnly != record.ReadOnly || told.Ambiguous != record.Ambiguous {
		return false
	}
	a, b := texts(told), texts(record)
	for i := range a {
		if !alike(a[i], b[i]) {
			return false
		}
	}
	return true
}

func texts(e *reconcile.Event) []string {
	return []string{
		e.ID, string(e.Kind), string(e.Account), string(e.Of), string(e.Region), e.Source, e.Name, e.Error, e.Address, e.Agent, e.MFA, e.Principal, e.AccessKey, e.Target,
		e.SourceIdentity, e.Device, e.TaskPolicy, e.IssuedKey, e.Type, e.Service,
	}
}

// cut ends a text that the store keeps the beginning of, which is long.
const (
	cut      = " (cut)"
	cutAfter = 250
)

// alike says whether a text is the other one, as stores keep it.
func alike(kept, whole string) bool {
	if kept == whole {
		return true
	}
	whole = strings.ReplaceAll(strings.ToValidUTF8(whole, "\uFFFD"), "\x00", "\uFFFD")
	begin, short := strings.CutSuffix(kept, cut)
	return kept == whole || short && len(begin) >= cutAfter && strings.HasPrefix(whole, begin)
}

// Alike says whether two records tell the same, whatever order and spaces they have.
func Alike(a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	x, other := plain(a)
	y, another := plain(b)
	return other == nil && another == nil && bytes.Equal(x, y)
}

// plain is a record without its spaces, its members in order. Numbers stay as they are.
func plain(raw []byte) ([]byte, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	return json.Marshal(v)
}
