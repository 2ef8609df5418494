// The whole stack from TypeScript, through the Pulumi package.
//
// Run `pulumi package add ../../package` here once. It generates `@pulumi/tracing` in `sdks/`, adds it to
// package.json and creates the plugin's virtual environment.
import * as aws from "@pulumi/aws";
import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import * as tracing from "@pulumi/tracing";

const config = new pulumi.Config();
// The settings in docs/config.md. They are plain values, because Helm values must be known at preview.
const settings = config.requireObject<tracing.types.input.TracingSettingsArgs>("settings");
const { region, accountId } = settings.cluster;

const stack = new tracing.TracingStack(
    "tracing",
    { settings },
    {
        providers: [
            new aws.Provider("aws", { region: region as aws.Region, allowedAccountIds: [accountId] }),
            new kubernetes.Provider("kubernetes", {
                kubeconfig: config.require("kubeconfig"),
                context: config.require("kubeContext"),
                enableConfigMapMutable: true,
                enableSecretMutable: true,
            }),
        ],
    },
);

export const otlpGrpcEndpoint = stack.otlpGrpcEndpoint;
export const traceBucketName = stack.traceBucketName;
