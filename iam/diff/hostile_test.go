package diff_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/diff"
)

// many joins n texts.
func many(n int, separator string, of func(i int) string) string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = of(i)
	}
	return strings.Join(parts, separator)
}

// TestHostilePoliciesEnd compares policies that are made to cost much. The new one has
// an action more, so "no" would be wrong.
func TestHostilePoliciesEnd(t *testing.T) {
	wide := func(i int) string { return fmt.Sprintf("arn:aws:s3:::*%d*x*%d?*", i, i*7) }
	for _, c := range []struct{ name, old string }{
		{"resources of many stars", allow("s3:*", many(1500, " ", wide))},
		{"actions of many stars", allow(many(1500, " ", func(i int) string { return fmt.Sprintf("s3:*%d*x*%d*", i, i*7) }), "*")},
		{"services of many stars", allow(many(300, " ", func(i int) string { return fmt.Sprintf("*%d*x*:*%d*", i, i*7) }), "*")},
		{"one long pattern", allow("s3:*", "arn:aws:s3:::"+strings.Repeat("*a?", 20_000))},
		{"many values of a condition", allow("s3:*", "*", when("StringLike", "aws:x", many(3000, " ", wide)))},
		{"many conditions", many(1500, ",", func(i int) string {
			return allow("s3:*", "*", when("StringNotLike", fmt.Sprintf("aws:x%d", i), "a*"))
		})},
		{"many conditions on one key", many(800, ",", func(i int) string {
			return deny("s3:*", "*", when("StringLike", "aws:x", wide(i)))
		}) + "," + allow("s3:*", "*")},
		{"many values at once", many(40, ",", func(i int) string {
			return deny("s3:*", "*", when("ForAnyValue:StringEquals", "aws:x", fmt.Sprint(i)))
		}) + "," + allow("s3:*", "*")},
		{"many numbers", many(1200, ",", func(i int) string { return deny("s3:*", "*", when("NumericLessThan", "aws:x", fmt.Sprint(i))) }) + "," + allow("s3:*", "*")},
		{"many statements", many(5000, ",", func(i int) string { return allow(fmt.Sprintf("s3:Get%d*", i), fmt.Sprintf("arn:aws:s3:::b%d/*", i)) })},
		{"many variables", many(60, ",", func(i int) string { return allow("s3:*", fmt.Sprintf("arn:aws:s3:::${aws:x%d}/${aws:y%d}*", i, i)) })},
	} {
		t.Run(c.name, func(t *testing.T) {
			start := time.Now()
			r := compare(t, diff.Identity, c.old, c.old+","+allow("sqs:SendMessage", "*"))
			if took := time.Since(start); took > 2*time.Minute {
				t.Errorf("took %v, want seconds", took)
			}
			if r.New.Answer == diff.No {
				t.Errorf("got no new access, want yes or unknown")
			}
			start = time.Now()
			compare(t, diff.Identity, allow("*", "*")+","+deny("iam:*", "*"), c.old)
			if took := time.Since(start); took > 2*time.Minute {
				t.Errorf("took %v, want seconds", took)
			}
		})
	}
}

func FuzzCompare(f *testing.F) {
	for _, pair := range [][2]string{
		{allow("s3:Get*", "*"), allow("s3:*", "arn:aws:s3:::${aws:username}/*")},
		{deny("*", "*", everyone), allow("s3:*", "arn:aws:s3", who("AWS", "111122223333 arn:aws:iam::111122223333:role/a AIDAEXAMPLE"))},
		{`{"Effect":"Allow","NotAction":[],"NotResource":["*:*","arn:?"],"Condition":{"ForAnyValue:ArnLikeIfExists":{"aws:SourceArn":["*","${a}"]},"Null":{"b":["true","false"]}}}`,
			`{"Effect":"Deny","NotPrincipal":{"CanonicalUser":"x"},"Action":"sts:AssumeRole","Condition":{"BinaryEquals":{"a":"QQ=="},"IpAddress":{"b":["::/0","10.0.0.0/33"]}}}`},
		{allow("s3:*", "*", when("NumericLessThan", "a", "1e999 -0 0 1e308")), allow("s3:*", "*", when("DateEquals", "a", "0001-01-01 9999-12-31T23:59:59Z 99999999999"))},
	} {
		f.Add(pair[0], pair[1])
	}
	f.Fuzz(func(t *testing.T, old, new string) {
		var sides [2]*iam.Policy
		for i, text := range []string{old, new} {
			p, err := iam.Parse("p", []byte(`{"Version":"2012-10-17","Statement":[`+text+`]}`))
			if err != nil {
				return
			}
			sides[i] = p
		}
		// One kind an input, by its size: a comparison of all actions takes its time here.
		kinds := diff.Kinds()
		for _, kind := range []diff.Kind{kinds[len(old)%3], kinds[3+len(new)%3]} {
			start := time.Now()
			r, err := diff.Compare(diff.Side{Kind: kind, Policies: sides[:1]}, diff.Side{Kind: kind, Policies: sides[1:]})
			if took := time.Since(start); took > 2*time.Minute {
				t.Errorf("%s: took %v", kind, took)
			}
			if err != nil || kind != diff.Resource && kind != diff.Identity {
				continue
			}
			was, is := setOf(t, kind, sides[0]), setOf(t, kind, sides[1])
			for _, ch := range r.New.Changes {
				if err := shown(t, ch.Example, was, is); err != nil {
					t.Errorf("%s: %v: %s", kind, err, show(r))
				}
			}
		}
	})
}
