package posture_test

import (
	"testing"

	"github.com/rootkeep/rootkeep/internal/posture"
	"github.com/rootkeep/rootkeep/tools/benchdoc"
	"github.com/rootkeep/rootkeep/tools/evalbench/large"
)

const own = large.Own

var statementOf, documentOf, trustOf = large.Statement, large.Document, large.Trust

func BenchmarkEvaluate(b *testing.B) {
	controls := shipped(b)
	s := large.Snapshot(now)
	posture.Evaluate(s, controls, posture.Setting{Now: now}) // reads the techniques of escalation, once
	b.ReportAllocs()
	begin := benchdoc.CPUTime()
	for b.Loop() {
		b.ReportMetric(float64(len(posture.Evaluate(s, controls, posture.Setting{Now: now}))), "findings")
	}
	b.ReportMetric(float64((benchdoc.CPUTime()-begin).Microseconds())/1e3/float64(b.N), "cpu-ms/op")
}
