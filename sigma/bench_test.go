package sigma

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep"
)

// calls are pairs of source and name; the first are the busiest.
func calls() [][2]string {
	var out [][2]string
	for _, src := range []string{"kms", "sts", "ssm", "ec2", "s3", "ecr", "ecs", "logs", "iam", "rds", "lambda", "cloudtrail", "signin", "guardduty", "config", "eks"} {
		for _, verb := range []string{"Decrypt", "Describe", "Get", "List", "Update", "Put", "Create", "Delete", "Modify", "Assume"} {
			out = append(out, [2]string{src + ".amazonaws.com", verb + strings.ToUpper(src[:1]) + src[1:] + "Thing"})
		}
	}
	return append(out, [2]string{"cloudtrail.amazonaws.com", "StopLogging"}, [2]string{"s3.amazonaws.com", "DeleteBucket"}, [2]string{"signin.amazonaws.com", "ConsoleLogin"})
}

// trail makes records as a fleet does: few busy calls, long tails, bursts.
func trail(n int) []map[string]any {
	r := rand.New(rand.NewPCG(1, 2))
	all := calls()
	var out []map[string]any
	for i := range n {
		if i > 0 && r.IntN(100) < 72 {
			next := map[string]any{}
			for k, v := range out[i-1] {
				next[k] = v
			}
			out = append(out, next)
			continue
		}
		call := all[min(int(r.ExpFloat64()*15), len(all)-1)]
		user := int(r.ExpFloat64() * 40)
		rec := map[string]any{
			"eventSource": call[0], "eventName": call[1], "awsRegion": "us-east-1", "recipientAccountId": "111122223333",
			"eventType": "AwsApiCall", "sourceIPAddress": fmt.Sprintf("198.51.100.%d", user%250),
			"userAgent": fmt.Sprintf("aws-sdk-go-v2/1.%d.0 os/linux lang/go#1.26 md/GOOS#linux md/GOARCH#amd64 api/thing#1.%d", user%40, user%7),
			"userIdentity": map[string]any{
				"type": "AssumedRole", "arn": fmt.Sprintf("arn:aws:sts::111122223333:assumed-role/app-role-%d/i-0%08d", user%60, user),
				"sessionContext": map[string]any{"sessionIssuer": map[string]any{"type": "Role", "arn": fmt.Sprintf("arn:aws:iam::111122223333:role/app-role-%d", user%60)}},
			},
			"requestParameters": map[string]any{"name": fmt.Sprintf("thing-%d", r.IntN(5000)), "attribute": "size", "encryptionContext": map[string]any{"k": strings.Repeat("v", 80)}},
		}
		if user%20 == 0 {
			rec["userIdentity"] = map[string]any{"type": "Root", "arn": "arn:aws:iam::111122223333:root"}
		}
		if r.IntN(50) == 0 {
			rec["errorCode"] = "AccessDenied"
		}
		out = append(out, rec)
	}
	return out
}

// syntheticRules are shaped like the rules people write for CloudTrail.
func syntheticRules(n int) []Document {
	r := rand.New(rand.NewPCG(3, 4))
	all := calls()
	var out []Document
	for i := range n {
		call := all[r.IntN(len(all))]
		if i%10 != 0 {
			call[1] += fmt.Sprint(r.IntN(200))
		}
		sel := map[string]any{"eventSource": call[0], "eventName": call[1]}
		d := map[string]any{"sel": sel, "condition": "sel"}
		switch k := r.IntN(100); {
		case k < 70:
		case k < 76:
			sel["errorCode"] = nil
		case k < 82:
			sel["userAgent|contains"] = fmt.Sprintf("tool-%d", i)
		case k < 86:
			d["sel"] = map[string]any{"eventName": all[r.IntN(40)][1], "requestParameters|contains": fmt.Sprintf("thing-%d\"", i)}
		case k < 90:
			d["sel"] = map[string]any{"eventName": all[r.IntN(40)][1]}
			d["filter"] = map[string]any{"userIdentity.type": "AssumedRole"}
			d["condition"] = "sel and not filter"
		case k < 92:
			d["sel"] = map[string]any{"userAgent|contains": fmt.Sprintf("scanner-%d", i)}
		case k < 94:
			d["sel"] = map[string]any{"userIdentity.arn|re": fmt.Sprintf("assumed-role/[a-z]+-%d/.*x", i)}
		case k < 96:
			d["sel"] = map[string]any{"sourceIPAddress|startswith": fmt.Sprintf("203.0.%d.", i%250)}
		case k < 98:
			d["sel"] = map[string]any{"eventName|startswith": fmt.Sprintf("Frob%d", i)}
		default:
			d["sel"] = map[string]any{"userIdentity.type": "Root", "eventSource": call[0]}
		}
		text, err := json.Marshal(map[string]any{"title": fmt.Sprintf("synthetic %d", i), "logsource": map[string]any{"product": "aws"}, "detection": d})
		if err != nil {
			panic(err)
		}
		docs, err := Parse(fmt.Sprintf("synthetic-%d.yml", i), text)
		if err != nil {
			panic(err)
		}
		out = append(out, docs...)
	}
	return out
}

func views(set *Set, records []map[string]any) []*rootkeep.View {
	var out []*rootkeep.View
	for _, rec := range records {
		v := newView(set)
		fill(v, set, rec)
		out = append(out, v)
	}
	return out
}

func benchmarkMatch(b *testing.B, extra int) {
	docs := append(parseFiles(b, corpusFiles(b, "rules/*.yml")), syntheticRules(extra)...)
	set, _ := Compile(docs, Options{})
	stream := views(set, trail(2_000))
	m := set.NewMatcher()
	var dst []int32
	matched := 0
	for b.Loop() {
		for _, v := range stream {
			dst = m.Match(v, dst[:0])
			matched += len(dst)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(stream)), "ns/event")
	b.ReportMetric(float64(matched)/float64(b.N*len(stream)), "matches/event")
}

func BenchmarkMatch57(b *testing.B)   { benchmarkMatch(b, 0) }
func BenchmarkMatch1000(b *testing.B) { benchmarkMatch(b, 943) }
