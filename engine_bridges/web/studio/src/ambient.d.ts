declare module "virtual:ear" {
  /** Address of the microphone's worklet. */
  const address: string;
  export default address;
}

declare module "*.css";
