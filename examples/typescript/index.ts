// The whole stack from TypeScript, through the Pulumi package.
//
// Run `pulumi package add ../../package` here once: it generates `@pulumi/tracing` in `sdks/`, notes it
// in package.json and makes the plugin's environment.
import * as aws from "@pulumi/aws";
import * as kubernetes from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import * as tracing from "@pulumi/tracing";

const config = new pulumi.Config();
// The keys of docs/config.md, typed. They are plain values: what Helm is told must be known at preview.
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
