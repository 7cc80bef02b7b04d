package serve

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// tracer sends traces to the endpoint until stop; without an endpoint there is none.
func tracer(ctx context.Context, t Traces) (_ trace.Tracer, stop func(context.Context) error, err error) {
	if t.Endpoint == "" {
		return nil, func(context.Context) error { return nil }, nil
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(t.Endpoint))
	if err != nil {
		return nil, nil, fmt.Errorf("traces.endpoint: %w", err)
	}
	provider := sdk.NewTracerProvider(sdk.WithBatcher(exporter))
	return provider.Tracer("github.com/rootkeep/rootkeep"), provider.Shutdown, nil
}
