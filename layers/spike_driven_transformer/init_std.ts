/** The standard deviation with which the authors initialize all convolutions, 1x1 ones too; biases start at 0. */
export const INIT_STD = 0.02;
